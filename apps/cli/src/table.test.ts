import { expect, test } from "vitest";
import { ago, table } from "./table.ts";

test("columns are as wide as their widest cell, and no line ends in blanks", () => {
  expect(
    table(
      ["name", "status", "error"],
      [
        ["dev", "running", ""],
        ["a-long-name", "stopped", "x"],
      ],
    ),
  ).toBe(["NAME         STATUS   ERROR", "dev          running", "a-long-name  stopped  x"].join("\n"));
  expect(table(["name", "status"], [])).toBe("NAME  STATUS");
});

test.each([
  [0, "now"],
  [-5_000, "now"],
  [2_000, "2s ago"],
  [59_999, "59s ago"],
  [60_000, "1m ago"],
  [3_600_000, "1h ago"],
  [86_399_000, "23h ago"],
  [40 * 86_400_000, "40d ago"],
])("%i ms are %s", (ms, said) => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  expect(ago(new Date(now - ms).toISOString(), now)).toBe(said);
});
