import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Alarm } from "./alarm.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

test("it rings once, at the time that was set last, sooner or later than the one before", () => {
  const rings: number[] = [];
  const start = performance.now();
  const alarm = new Alarm(() => rings.push(performance.now() - start));
  alarm.set(start + 100);
  alarm.set(start + 300);
  vi.advanceTimersByTime(299);
  expect(rings).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect(rings).toHaveLength(1);
  expect(rings[0]).toBeGreaterThanOrEqual(299);
  alarm.set(performance.now() + 500);
  alarm.set(performance.now() + 50);
  vi.advanceTimersByTime(60);
  expect(rings).toHaveLength(2);
  vi.advanceTimersByTime(10_000);
  expect(rings).toHaveLength(2);
});

test("nothing due means no ring, and a cleared alarm leaves no timer", () => {
  const ring = vi.fn();
  const alarm = new Alarm(ring);
  alarm.set(performance.now() + 10);
  alarm.set(Infinity);
  vi.advanceTimersByTime(1000);
  alarm.set(performance.now() + 10);
  alarm.clear();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(1000);
  expect(ring).not.toHaveBeenCalled();
});
