import fc from "fast-check";
import { expect, test } from "vitest";
import { RangeSet } from "./range-set.ts";

const step = fc.tuple(fc.boolean(), fc.nat(60), fc.nat(20));

test("a set of ranges holds what a set of numbers holds, in ranges that are ascending and apart", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(60), fc.nat(30), (steps, probe, width) => {
      const ranges = new RangeSet();
      const model = new Set<number>();
      for (const [isAdded, from, length] of steps) {
        if (isAdded) ranges.add(from, from + length);
        else ranges.remove(from, from + length);
        for (let n = from; n < from + length; n++)
          if (isAdded) model.add(n);
          else model.delete(n);
      }
      const all = Array.from({ length: 100 }, (_, n) => n);
      expect(all.filter((n) => ranges.has(n))).toEqual([...model].sort((a, b) => a - b));
      const listed = ranges.highest(100).reverse();
      listed.forEach((range, at) => expect(range.from).toBeGreaterThan(listed[at - 1]?.to ?? -1));
      const missing = ranges.missing(probe, probe + width).flatMap(({ from, to }) => all.slice(from, to));
      expect(missing).toEqual(all.slice(probe, probe + width).filter((n) => !model.has(n)));
    }),
  );
});
