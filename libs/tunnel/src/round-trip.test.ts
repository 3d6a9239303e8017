import fc from "fast-check";
import { expect, test } from "vitest";
import { RoundTrip } from "./round-trip.ts";

test("it follows what it is told, and its lowest stays until the route has long been longer", () => {
  const roundTrip = new RoundTrip();
  for (let at = 0; at < 50; at++) roundTrip.sample(10, at * 100);
  expect(roundTrip.smoothedMs).toBeCloseTo(10);
  for (let at = 50; at < 120; at++) roundTrip.sample(80, at * 100);
  expect(roundTrip.smoothedMs).toBeCloseTo(80, 0);
  expect(roundTrip.minimumMs).toBe(10);
  for (let at = 120; at < 800; at++) roundTrip.sample(80, at * 100);
  expect(roundTrip.minimumMs).toBeCloseTo(80);
});

test("probes go out ever less often, but slow links are asked no later than a second and three round trips", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 10_000, noNaN: true }), fc.nat(100), (ms, unanswered) => {
      const roundTrip = new RoundTrip();
      for (let at = 0; at < 40; at++) roundTrip.sample(ms, at);
      const first = roundTrip.probeAfterMs(0);
      const later = roundTrip.probeAfterMs(unanswered);
      expect(first).toBeGreaterThan(ms);
      expect(later).toBeGreaterThanOrEqual(first);
      expect(later).toBeLessThanOrEqual(Math.max(first, 1000 + 3 * ms + 1));
    }),
  );
});
