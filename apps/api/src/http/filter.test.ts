import { expect, test } from "vitest";
import { parseFilter } from "./filter.ts";

const parse = (q: string) => parseFilter(q, ["owner", "name"], "test");

test.each([
  ["", { values: {}, words: [] }],
  ["owner:me", { values: { owner: "me" }, words: [] }],
  ['OWNER:me name:"a b"', { values: { owner: "me", name: "a b" }, words: [] }],
  ['dev "two words"', { values: {}, words: ["dev", "two words"] }],
  ["ada/dev", { values: {}, words: ["ada/dev"] }],
])("%j is understood", (q, filter) => expect(parse(q)).toEqual(filter));

test("a key without a value is refused", () => expect(() => parse("owner: dev")).toThrow("Invalid test"));

test("every key nobody knows is named", () => {
  expect(() => parse("ownr:me nme:x")).toThrow("Invalid test search query.");
  try {
    parse("ownr:me nme:x");
  } catch (error) {
    expect(error).toMatchObject({ body: { validations: [{ field: "ownr" }, { field: "nme" }] } });
  }
});
