import { expect, test } from "vitest";
import { RoundTrip } from "./round-trip.ts";
import { SendWindow } from "./send-window.ts";

const MiB = 1024 * 1024;

/** A path that moves so many bytes a millisecond behind a fixed delay: what the window has come to after so long. */
function run(bytesPerMs: number, delayMs: number, lastsMs: number) {
  const window = new SendWindow();
  const roundTrip = new RoundTrip();
  for (let now = 0; now < lastsMs; now += 32_768 / bytesPerMs) {
    roundTrip.sample(Math.max(delayMs, window.bytesAt(now) / bytesPerMs), now);
    window.acknowledged(32_768, true, roundTrip, now);
  }
  const bytes = window.bytesAt(lastsMs);
  return { bytes, queuedBytes: Math.max(0, bytes - bytesPerMs * delayMs) };
}

test("it grows until the path is full, and little stands in queues", () => {
  const slow = run(1_000, 40, 600_000); // 1 MB/s
  expect(slow.bytes).toBeGreaterThan(40_000);
  expect(slow.queuedBytes).toBeLessThan(MiB / 4);
  const fast = run(20_000, 40, 600_000); // 20 MB/s
  expect(fast.bytes).toBeGreaterThan(800_000);
  expect(fast.queuedBytes).toBeLessThan(2 * MiB);
});

test("a window that is not used does not grow", () => {
  const window = new SendWindow();
  const roundTrip = new RoundTrip();
  const before = window.bytesAt(0);
  for (let at = 0; at < 1000; at++) {
    roundTrip.sample(10, at);
    window.acknowledged(100, false, roundTrip, at);
  }
  expect(window.bytesAt(1000)).toBe(before);
});

test("a loss halves it, all losses of one moment once, and it never falls below its floor", () => {
  const window = new SendWindow();
  const roundTrip = new RoundTrip();
  roundTrip.sample(10, 0);
  for (let at = 0; at < 50; at++) window.acknowledged(32_768, true, roundTrip, at);
  const before = window.bytesAt(60);
  window.lost(100, 110);
  for (let packet = 0; packet < 30; packet++) window.lost(101 + packet / 10, 112);
  expect(window.bytesAt(120)).toBe(before / 2);
  for (let time = 200; time < 2000; time += 10) window.lost(time, time + 5);
  expect(window.bytesAt(2000)).toBe(64 * 1024);
});
