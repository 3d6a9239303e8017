import fc from "fast-check";
import { expect, test } from "vitest";
import { currentOf, nextKey, type KeyTimes, PERIODS } from "./key-rotation.ts";

const HOUR = 3_600_000;

test("the first key signs at once", () => {
  expect(nextKey([], 1_000)?.startsAt).toEqual(new Date(1_000));
});

test("at any time there is a key that signs, a later one was published for a day, and what signed is still accepted", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 * 24 }), { minLength: 1, maxLength: 60 }), (hours) => {
      const keys: (KeyTimes & { madeAt: number })[] = [];
      let now = 0;
      for (const pause of hours) {
        now += pause * HOUR;
        const times = nextKey(keys, now);
        if (times !== undefined) keys.push({ ...times, madeAt: now });
        const current = currentOf(keys, now);
        expect(current).toBeDefined();
        if (current === undefined || current === keys[0]) continue;
        expect(current.startsAt.getTime() - current.madeAt).toBeGreaterThanOrEqual(PERIODS.publishedMs);
      }
    }),
  );
});

test("a key that signed is kept for two days after the next one took over", () => {
  const first = nextKey([], 0);
  if (first === undefined) throw new Error("no first key");
  const due = PERIODS.signsMs - PERIODS.publishedMs;
  expect(nextKey([first], due - 1)).toBeUndefined();
  const second = nextKey([first], due);
  expect(second?.startsAt).toEqual(new Date(PERIODS.signsMs));
  expect(first.expiresAt.getTime()).toBeGreaterThanOrEqual(PERIODS.signsMs + PERIODS.keptMs);
});
