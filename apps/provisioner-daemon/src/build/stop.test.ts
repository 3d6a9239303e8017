import { expect, test, vi } from "vitest";
import { Stop } from "./stop.ts";

function process() {
  return {
    pid: 1,
    exited: new Promise<never>(() => undefined),
    begin: vi.fn(),
    interrupt: vi.fn(),
    kill: vi.fn(),
  };
}

test("a build that is stopped interrupts its Terraform, and kills it when it does not end", () => {
  vi.useFakeTimers();
  using stop = new Stop();
  const running = process();
  stop.watch(running);
  stop.now({ kind: "canceled" }, 60_000);
  expect(running.interrupt).toHaveBeenCalledOnce();
  stop.now({ kind: "silence" }, 5_000);
  stop.now({ kind: "operator" }, 30_000);
  expect(stop.reason).toEqual({ kind: "canceled" });
  vi.advanceTimersByTime(4_999);
  expect(running.kill).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(running.kill).toHaveBeenCalledOnce();
  vi.useRealTimers();
});

test("a command that begins after the stop is interrupted, and force kills at once", () => {
  using stop = new Stop();
  stop.now({ kind: "operator" }, 60_000);
  const running = process();
  stop.watch(running);
  expect(running.interrupt).toHaveBeenCalledOnce();
  stop.now({ kind: "operator" }, 0);
  expect(running.kill).toHaveBeenCalledOnce();
});
