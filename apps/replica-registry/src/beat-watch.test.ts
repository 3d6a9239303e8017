import fc from "fast-check";
import { expect, test } from "vitest";
import { BeatWatch } from "./beat-watch.ts";

const PERIOD = 4_000;
const GAP = 2_500;

test("what stands still for a period is dead, and what moves is not", () => {
  const watch = new BeatWatch(PERIOD, GAP);
  const look = (at: number) =>
    watch.observe(
      [
        { id: "still", mark: "1" },
        { id: "moving", mark: String(at) },
      ],
      at,
    );
  expect([0, 1_000, 2_000, 3_000, 3_999].flatMap(look)).toEqual([]);
  expect(look(4_000)).toEqual(["still"]);
});

test("after a silence of the database nobody is dead until a whole period was seen", () => {
  fc.assert(
    fc.property(fc.integer({ min: GAP + 1, max: 600_000 }), (silence) => {
      const watch = new BeatWatch(PERIOD, GAP);
      const signs = [{ id: "still", mark: "1" }];
      watch.observe(signs, 0);
      const looks = [0, 1_000, 2_000, 3_000].map((after) => watch.observe(signs, silence + after));
      expect(looks.flat()).toEqual([]);
      expect(watch.observe(signs, silence + PERIOD)).toEqual(["still"]);
    }),
  );
});
