import { RoundTrip } from "@berth/std";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PERIODS } from "../periods.ts";
import { Beats } from "./beats.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** A stream whose peer answers each beat after `tripMs`, until it is silent. */
function open(roundTrip: RoundTrip, tripMs = 0) {
  const stream = { sent: 0, given: false, silent: false, beats: undefined as Beats | undefined };
  const answers: { at: number; sequence: bigint }[] = [];
  stream.beats = new Beats({
    periods: PERIODS,
    roundTrip,
    send(sequence) {
      stream.sent += 1;
      if (!stream.silent) answers.push({ at: performance.now() + tripMs, sequence });
    },
    giveUp: () => (stream.given = true),
  });
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      vi.advanceTimersByTime(100);
      while (answers[0] !== undefined && answers[0].at <= performance.now())
        stream.beats?.answered(answers.shift()?.sequence ?? 0n);
    }
  };
  return { stream, pass, beats: stream.beats };
}

test("a peer that answers within the period is kept, one that falls silent is left after it", () => {
  const { stream, pass, beats } = open(new RoundTrip());
  beats.begin();
  pass(60_000);
  expect(stream).toMatchObject({ given: false, sent: 21 });
  stream.silent = true;
  pass(4_000);
  expect(stream.given).toBe(false);
  pass(4_500);
  expect(stream.given).toBe(true);
});

test("three seconds each way are slow and not dead, from the first dial on", () => {
  const roundTrip = new RoundTrip(6_000);
  const { stream, pass, beats } = open(roundTrip, 6_000);
  pass(24_000); // TCP, TLS, the connection's settings, the first answer
  beats.begin();
  pass(600_000);
  expect(stream.given).toBe(false);
  expect(roundTrip.smoothedMs).toBeCloseTo(6_000, -3);
  stream.silent = true;
  pass(22_000);
  expect(stream.given).toBe(false);
  pass(5_000);
  expect(stream.given).toBe(true);
});

test("a peer that never serves the stream is left", () => {
  const known = new RoundTrip();
  known.measured(10);
  const { stream, pass } = open(known);
  pass(4_900);
  expect(stream.given).toBe(false);
  pass(500);
  expect(stream).toMatchObject({ given: true, sent: 0 });
});
