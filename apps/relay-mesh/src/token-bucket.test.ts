import { expect, test } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

test("three at once, then one a second", () => {
  const bucket = new TokenBucket(3, 1000, 0);
  const taken = (now: number) => bucket.take(now);
  expect([0, 0, 0, 0].map(taken)).toEqual([true, true, true, false]);
  expect([500, 1000, 1001].map(taken)).toEqual([false, true, false]);
  expect([60_000, 60_000, 60_000, 60_000].map(taken)).toEqual([true, true, true, false]);
});
