import { expect, test } from "vitest";
import { RoundTrips } from "./round-trips.ts";

test("median and worst are those of the last minute", () => {
  const trips = new RoundTrips();
  trips.answered(500, 0);
  for (const [ms, at] of [
    [3, 30_000],
    [1, 31_000],
    [9, 32_000],
  ] as const)
    trips.answered(ms, at);
  expect(trips.summary(60_000)).toMatchObject({ medianMs: 9, worstMs: 500, samples: 4 });
  expect(trips.summary(60_001)).toMatchObject({ medianMs: 3, worstMs: 9, samples: 3 });
});

test("a peer is unreachable after three failures in a row, until it answers", () => {
  const trips = new RoundTrips();
  trips.failed();
  trips.failed();
  expect(trips.summary(0).unreachable).toBe(false);
  trips.failed();
  expect(trips.summary(0).unreachable).toBe(true);
  trips.reached(70);
  expect(trips.summary(70).unreachable).toBe(false);
  trips.answered(2, 80);
  trips.failed();
  expect(trips.heardAtMs).toBe(80);
});
