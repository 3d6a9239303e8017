import fc from "fast-check";
import { expect, test } from "vitest";
import { Lines } from "./lines.ts";

test("lines are the same however their bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme", maxLength: 20 })),
      fc.array(fc.nat(30)),
      (wanted, cuts) => {
        const expected = wanted.map((line) => line.replaceAll(/[\r\n]/g, ""));
        const bytes = Buffer.from(expected.map((line) => `${line}\n`).join(""));
        const lines = new Lines();
        const got: string[] = [];
        let at = 0;
        for (const length of cuts) got.push(...lines.add(bytes.subarray(at, (at += length))));
        got.push(...lines.add(bytes.subarray(at)), ...lines.end());
        expect(got).toEqual(expected);
      },
    ),
  );
});

test("a line without an end is given at the end, and one that is too long is cut", () => {
  const lines = new Lines();
  expect(lines.add(Buffer.from("one\r\ntw"))).toEqual(["one"]);
  expect(lines.end()).toEqual(["tw"]);
  const cut = lines.add(Buffer.alloc(40_000, "x"));
  expect([...cut, ...lines.end()].join("")).toHaveLength(40_000);
  expect(cut.length).toBe(2);
});

test("a long line is cut between characters", () => {
  const lines = new Lines();
  const long = `x${"😀".repeat(30_000)}`;
  const cut = [...lines.add(Buffer.from(`${long}\nshort`)), ...lines.end()];
  expect(cut.every((line) => line.isWellFormed())).toBe(true);
  expect(cut.slice(0, -1).join("")).toBe(long);
  expect(cut.at(-1)).toBe("short");
});
