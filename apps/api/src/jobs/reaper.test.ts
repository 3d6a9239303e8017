import { expect, test } from "vitest";
import fc from "fast-check";
import { LeaseWatch } from "./reaper.ts";

const LEASE = 30_000;
const GAP = 5_000;

const lease = (renewals: number, epoch = 1) => ({ jobId: "job", epoch, renewals });

/** Observes every two seconds from one time to another; answers when the lease was found to stand still. */
function watchFor(watch: LeaseWatch, from: number, to: number, renewals: number): number | undefined {
  for (let now = from; now <= to; now += 2_000)
    if (watch.observe([lease(renewals)], now).length > 0) return now;
  return undefined;
}

test("a lease that stands still for its whole length is found", () => {
  expect(watchFor(new LeaseWatch(LEASE, GAP), 0, 60_000, 7)).toBe(LEASE);
});

test("a renewal begins the wait anew", () => {
  const watch = new LeaseWatch(LEASE, GAP);
  expect(watchFor(watch, 0, 28_000, 7)).toBeUndefined();
  expect(watchFor(watch, 30_000, 58_000, 8)).toBeUndefined();
  expect(watchFor(watch, 60_000, 90_000, 8)).toBe(60_000);
});

test("an observer that did not hear the database for a while judges nobody by it", () => {
  const watch = new LeaseWatch(LEASE, GAP);
  expect(watchFor(watch, 0, 20_000, 7)).toBeUndefined();
  expect(watchFor(watch, 140_000, 168_000, 7)).toBeUndefined();
  expect(watchFor(watch, 170_000, 190_000, 7)).toBe(170_000);
});

test("another attempt of the job is another lease", () => {
  const watch = new LeaseWatch(LEASE, GAP);
  expect(watchFor(watch, 0, 28_000, 7)).toBeUndefined();
  expect(watch.observe([lease(7, 2)], 30_000)).toEqual([]);
});

test("no lease expires unless the counter stood still for a lease of uninterrupted observation", () => {
  const step = fc.record({ waitMs: fc.integer({ min: 1, max: 9_000 }), renewed: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const watch = new LeaseWatch(LEASE, GAP);
      let now = 0;
      let renewals = 0;
      let unchangedSince: number | undefined;
      for (const { waitMs, renewed } of steps) {
        now += waitMs;
        if (renewed) renewals += 1;
        if (renewed || waitMs > GAP || unchangedSince === undefined) unchangedSince = now;
        const expired = watch.observe([lease(renewals)], now).length > 0;
        expect(expired).toBe(now - unchangedSince >= LEASE);
      }
    }),
  );
});
