import { expect, test } from "vitest";
import { checkDeclaration, checkValue } from "./parameter-rules.ts";
import { parameter } from "./parameter.ts";
import { conform } from "./schema.ts";
import type { Values } from "./value.ts";

const declare = (values: Values) => conform(parameter.block, { name: "p", type: "string", ...values });
const rules = (values: Values) => [
  { min: null, max: null, monotonic: null, regex: null, error: null, ...values },
];
const problems = (values: Values) => checkDeclaration(declare(values)).map(({ detail }) => detail);
const problemOf = (values: Values, value: string, previous?: string) =>
  checkValue(declare(values), value, previous)[0]?.detail;

test("a declaration is judged by its type", () => {
  expect(problems({ type: "text" })).toEqual([expect.stringContaining("expected one of string")]);
  expect(problems({ type: "bool", default: "yes" })).toEqual([
    expect.stringContaining("neither true nor false"),
  ]);
  expect(problems({ type: "list(string)", default: "a" })).toEqual([expect.stringContaining("no JSON list")]);
  expect(problems({ ephemeral: true, default: "a" })).toEqual([expect.stringContaining("mutable = true")]);
  expect(problems({ validation: rules({ min: 1 }) })).toEqual([expect.stringContaining("judge numbers")]);
  expect(problems({ validation: rules({ regex: "a" }) })).toEqual([
    expect.stringContaining("needs an error"),
  ]);
  expect(problems({ validation: rules({ regex: "(", error: "no" }) })).toEqual([
    expect.stringContaining("no regular expression"),
  ]);
  expect(problems({ type: "number", validation: rules({ max: 2.5 }) })).toEqual([
    "max is 2.5; expected a whole number.",
  ]);
  expect(problems({ form_type: "slider" })).toEqual([expect.stringContaining("input or textarea")]);
  expect(problems({ default: "a" })).toEqual([]);
});

test("options are unique, of the type, and hold the default", () => {
  const option = (name: string, value: string) => ({ name, value, description: null, icon: null });
  const options = [option("a", "1"), option("b", "2")];
  expect(problems({ type: "number", option: [option("a", "x")] })).toEqual([
    expect.stringContaining("no number"),
  ]);
  expect(problems({ option: [option("a", "1"), option("b", "1")] })).toEqual([
    expect.stringContaining("unique"),
  ]);
  expect(problems({ option: options, default: "3" })).toEqual([
    expect.stringContaining("none of its options"),
  ]);
  expect(problemOf({ option: options }, "3")).toContain("none of its options (1, 2)");
  expect(problemOf({ type: "list(string)", option: options }, '["1","2"]')).toBeUndefined();
  expect(problemOf({ type: "list(string)", option: options }, '["1","9"]')).toContain('"9"');
});

test("a value is judged by limits, pattern and the value before", () => {
  const limits = { type: "number", validation: rules({ min: 1, max: 4, monotonic: "increasing" }) };
  expect(problemOf(limits, "0")).toContain("less than 1");
  expect(problemOf(limits, "5")).toContain("more than 4");
  expect(problemOf(limits, "2", "3")).toContain("only grow");
  expect(problemOf(limits, "3", "3")).toBeUndefined();
  const pattern = { validation: rules({ regex: "(?i)^[a-z]+$", error: "letters only, not {value}" }) };
  expect(problemOf(pattern, "ABC")).toBeUndefined();
  expect(problemOf(pattern, "a1")).toContain("letters only, not a1");
  const go = { validation: rules({ regex: "\\A[[:alpha:]]+\\z", error: "letters only" }) };
  expect([problemOf(go, "abc"), problemOf(go, "a1") === undefined]).toEqual([undefined, false]);
});
