import { expect, test } from "vitest";
import fc from "fast-check";
import { publicTags, storedTags, tagSetName } from "./tags.ts";

const tags = fc.dictionary(
  fc.constantFrom("gpu", "zone", "os", "scope", "owner"),
  fc.constantFrom("a", "b", ""),
  {
    noNullPrototype: true,
  },
);

test("the pair that every organization-wide job carries says nothing", () => {
  expect(storedTags({ scope: "organization", owner: "" })).toEqual({});
  expect(publicTags({ gpu: "yes" })).toEqual({ scope: "organization", owner: "", gpu: "yes" });
});

test("what is stored reads the same after it was shown", () => {
  fc.assert(
    fc.property(tags, (given) => {
      const stored = storedTags(given);
      expect(storedTags(publicTags(stored))).toEqual(stored);
    }),
  );
});

test("a tag set has one name whatever the order of its tags", () => {
  expect(tagSetName({ zone: "b", gpu: "yes" })).toBe("gpu=yes,zone=b");
  expect(tagSetName({})).toBe("");
});
