import { expect, test } from "vitest";
import { RoundTrip } from "./round-trip.ts";

test("a threshold has three smoothed round trips added, or of what is assumed before the first", () => {
  const roundTrip = new RoundTrip(500);
  expect(roundTrip.smoothedMs).toBeUndefined();
  expect(roundTrip.patienceMs(5_000)).toBe(6_500);
  roundTrip.measured(100);
  expect(roundTrip.patienceMs(5_000)).toBe(5_300);
  expect(roundTrip.patienceMs(5_000, 6)).toBe(5_600);
});

test("one late answer moves it by an eighth, many move it all the way", () => {
  const roundTrip = new RoundTrip();
  roundTrip.measured(100);
  roundTrip.measured(900);
  expect(roundTrip.smoothedMs).toBe(200);
  for (let answer = 0; answer < 60; answer += 1) roundTrip.measured(900);
  expect(roundTrip.smoothedMs).toBeCloseTo(900, 0);
});
