import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RelayLink } from "./relay-link.ts";
import { raceLinks } from "./relay-race.ts";
import type { RelayAddress } from "./types.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const at = (url: string): RelayAddress => ({ url, regionId: 1, regionName: "r" });

/** A stand-in for the network: what each address does when it is dialed. */
function network(answers: Record<string, "fails" | "hangs" | { afterMs: number }>) {
  const dialed: string[] = [];
  const closed: string[] = [];
  const open = (address: RelayAddress, signal: AbortSignal) =>
    new Promise<RelayLink>((resolve, reject) => {
      dialed.push(address.url);
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      const answer = answers[address.url] ?? "fails";
      if (answer === "fails") reject(new Error(`${address.url} refused`));
      if (typeof answer !== "object") return;
      const close = () => Promise.resolve(void closed.push(address.url));
      setTimeout(() => resolve({ address, close } as unknown as RelayLink), answer.afterMs);
    });
  return { dialed, closed, open };
}

const never = new AbortController().signal;

test("the next address is tried at once when one fails", async () => {
  const { dialed, open } = network({ a: "fails", b: { afterMs: 1 } });
  const race = raceLinks([at("a"), at("b")], open, never);
  await vi.advanceTimersByTimeAsync(10);
  expect((await race).address.url).toBe("b");
  expect(dialed).toEqual(["a", "b"]);
});

test("an address that hangs is given a rival, and a slow one may still win", async () => {
  const { dialed, open } = network({ a: "hangs", b: { afterMs: 10 } });
  const race = raceLinks([at("a"), at("b")], open, never);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(dialed).toEqual(["a"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await race).address.url).toBe("b");

  const slow = network({ a: { afterMs: 6_000 }, b: "hangs" });
  const other = raceLinks([at("a"), at("b")], slow.open, never);
  await vi.advanceTimersByTimeAsync(6_500);
  expect((await other).address.url).toBe("a");
});

test("when all fail, the last failure is told; when it is given up, that", async () => {
  const { open } = network({});
  await expect(raceLinks([at("a"), at("b")], open, never)).rejects.toThrow("b refused");
  await expect(raceLinks([], open, never)).rejects.toThrow("none is known");
  const controller = new AbortController();
  const race = raceLinks([at("a")], network({ a: "hangs" }).open, controller.signal);
  controller.abort();
  await expect(race).rejects.toMatchObject({ code: "cancelled" });
  expect(vi.getTimerCount()).toBe(0);
});
