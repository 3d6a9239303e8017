import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

test.each([
  ["0", 0],
  ["250ms", 250],
  ["5s", 5000],
  ["1.5s", 1500],
  ["1h30m", 5_400_000],
  ["2d", 172_800_000],
])("%s is read", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "5", "s", "-5s", "5 s", "5sec", "1h-3m", "∞"])("%j is no duration", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test("no text makes the reader throw", () => {
  fc.assert(fc.property(fc.string(), (text) => void parseDuration(text)));
});

test.each([
  [340, "340ms"],
  [4230, "4.2s"],
  [59_999, "1m00s"],
  [65_000, "1m05s"],
  [7_380_000, "2h03m"],
])("%d ms is written %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
