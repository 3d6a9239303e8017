import fc from "fast-check";
import { expect, test } from "vitest";
import { LeaseWatch, type SeenLease } from "./lease-watch.ts";

const PERIOD = 30;
const GAP = 10;

const lease = (renewals: bigint, owner: string | null = "holder"): SeenLease => ({
  owner,
  epoch: 1n,
  nonce: "n",
  renewals,
});

test("a lease that stands still for a period may be taken over, not before", () => {
  const watch = new LeaseWatch(PERIOD, GAP);
  const looks = [0, 10, 20, 29, 30].map((at) => watch.observe(lease(7n), at));
  expect(looks).toEqual([false, false, false, false, true]);
});

test("a lease that was given back may be taken at once", () => {
  expect(new LeaseWatch(PERIOD, GAP).observe(lease(7n, null), 0)).toBe(true);
});

test("a pause of the watcher begins the watch anew", () => {
  const watch = new LeaseWatch(PERIOD, GAP);
  watch.observe(lease(7n), 0);
  expect(watch.observe(lease(7n), 1_000)).toBe(false);
});

/** The model: everything that happened, with its time; a takeover must be justified by it. */
test("whoever renews within every period is never taken over, whenever others look or pause", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("renew" as const), afterMs: fc.integer({ min: 0, max: PERIOD - 1 }) }),
    fc.record({ kind: fc.constant("look" as const), afterMs: fc.integer({ min: 0, max: 50 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const watch = new LeaseWatch(PERIOD, GAP);
      let now = 0;
      let renewedAt = 0;
      let renewals = 0n;
      for (const { kind, afterMs } of steps) {
        now += afterMs;
        // the holder renews in time, whatever the watcher does
        while (now - renewedAt >= PERIOD) {
          renewedAt += PERIOD - 1;
          renewals += 1n;
        }
        if (kind === "renew") {
          renewedAt = now;
          renewals += 1n;
        } else expect(watch.observe(lease(renewals), now)).toBe(false);
      }
    }),
  );
});

test("a dead holder is taken over by a watcher that goes on looking", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: GAP }), { minLength: 40, maxLength: 80 }), (gaps) => {
      const watch = new LeaseWatch(PERIOD, GAP);
      let now = 0;
      const verdicts = gaps.map((gap) => watch.observe(lease(3n), (now += gap)));
      expect(verdicts.at(-1)).toBe(true);
      expect(verdicts[0]).toBe(false);
    }),
  );
});
