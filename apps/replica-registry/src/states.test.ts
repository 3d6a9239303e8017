import fc from "fast-check";
import { expect, test } from "vitest";
import { next, STATES, statesBefore, TRANSITIONS, type Happening, type State } from "./states.ts";

const happenings: Happening[] = [
  "says starting",
  "says ready",
  "says draining",
  "said goodbye",
  "stream ended",
  "registry died",
  "registry cut off",
  "unobserved for long",
];
const walk = (from: State, path: readonly Happening[]) => path.reduce(next, from);

test("stopped is for good, whatever happens after", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...happenings)), (path) => {
      expect(walk("stopped", path)).toBe("stopped");
    }),
  );
});

test("whoever speaks is alive again, unless it said goodbye", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...happenings)), (path) => {
      const state = walk("starting", path);
      if (state === "stopped") return;
      expect(["ready", "draining"]).toContain(next(state, "says ready"));
    }),
  );
});

test("a draining replica does not become ready by an older report", () => {
  expect(next("draining", "says ready")).toBe("draining");
});

test("only an unobserved replica is lost for want of an observer", () => {
  expect(statesBefore("unobserved for long")).toEqual(["unobserved"]);
});

test("every state is reached and every transition leads to a state", () => {
  const reached = new Set(Object.values(TRANSITIONS).flatMap((row) => Object.values(row)));
  expect(STATES.filter((state) => state !== "starting").every((state) => reached.has(state))).toBe(true);
});
