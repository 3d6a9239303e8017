import { expect, test } from "vitest";
import type { TemplateVersionParameter } from "@berth/http-api";
import { Problem } from "../http/problem.ts";
import { parameterMistake } from "./parameter-value.ts";
import { resolveParameters } from "./parameters.ts";

const parameter = (more: Partial<TemplateVersionParameter>): TemplateVersionParameter => ({
  name: "p",
  description: "",
  description_plaintext: "",
  type: "string",
  form_type: "input",
  mutable: true,
  default_value: "default",
  icon: "",
  options: [],
  required: false,
  ephemeral: false,
  ...more,
});

const resolve = (more: Partial<TemplateVersionParameter>, given?: string, previous?: string) => {
  const values = (value: string | undefined) => (value === undefined ? [] : [{ name: "p", value }]);
  return resolveParameters({
    parameters: [parameter(more)],
    given: values(given),
    previous: values(previous),
  })[0]?.value;
};

test("a value is the given one, else that of the build before, else the default", () => {
  expect(resolve({}, "given", "previous")).toBe("given");
  expect(resolve({}, undefined, "previous")).toBe("previous");
  expect(resolve({})).toBe("default");
});

test("an ephemeral value is good for one build", () => {
  expect(resolve({ ephemeral: true }, undefined, "previous")).toBe("default");
});

test("a value that cannot change may be set once, and said again", () => {
  expect(resolve({ mutable: false }, "first")).toBe("first");
  expect(resolve({ mutable: false }, "same", "same")).toBe("same");
  expect(() => resolve({ mutable: false }, "other", "same")).toThrow(/missing or wrong/);
});

test("a parameter that the template does not have is named, beside those it has", () => {
  const refusal = (...names: string[]) => {
    const parameters = names.map((name) => parameter({ name }));
    try {
      return resolveParameters({ parameters, given: [{ name: "colour", value: "red" }], previous: [] });
    } catch (error) {
      return error instanceof Problem ? error.body.validations : error;
    }
  };
  expect(refusal("size", "region")).toEqual([
    { field: "colour", detail: 'The template has no parameter "colour": it has size, region.' },
  ]);
  expect(refusal()).toEqual([
    { field: "colour", detail: 'The template has no parameter "colour": it has none.' },
  ]);
});

test.each<[Partial<TemplateVersionParameter>, string, RegExp | undefined]>([
  [{ type: "number" }, "4.5", undefined],
  [{ type: "number" }, "four", /not a number/],
  [{ type: "number" }, "", /not a number/],
  [{ type: "number", validation_min: 1 }, "0", /less than 1/],
  [
    { type: "number", validation_max: 8, validation_error: "at most {max}, not {value}" },
    "9",
    /^at most 8, not 9$/,
  ],
  [{ type: "bool" }, "true", undefined],
  [{ type: "bool" }, "yes", /true or false/],
  [{ type: "list(string)" }, '["a"]', undefined],
  [{ type: "list(string)" }, "a,b", /list of texts/],
  [{ validation_regex: "^[a-z]+$" }, "abc", undefined],
  [{ validation_regex: "^[a-z]+$" }, "ABC", /does not match/],
  [{ validation_regex: "(?P<x>a)" }, "anything", undefined],
])("%j takes or refuses %j", (more, value, mistake) => {
  const said = parameterMistake(parameter(more), value, undefined);
  if (mistake === undefined) expect(said).toBeUndefined();
  expect(said ?? "").toMatch(mistake ?? /^$/);
});

test("of options only the offered ones may be chosen, each of a list by itself", () => {
  const options = ["a", "b"].map((value) => ({ name: value, value, description: "", icon: "" }));
  expect(parameterMistake(parameter({ options }), "b", undefined)).toBeUndefined();
  expect(parameterMistake(parameter({ options }), "c", undefined)).toMatch(/"c" is not one of "a", "b"/);
  const many = parameter({ options, type: "list(string)" });
  expect(parameterMistake(many, '["a","b"]', undefined)).toBeUndefined();
  expect(parameterMistake(many, '["a","c"]', undefined)).toMatch(/"c" is not one of/);
});

test("a number that may only rise does not fall", () => {
  const rising = parameter({ type: "number", validation_monotonic: "increasing" });
  expect(parameterMistake(rising, "5", "4")).toBeUndefined();
  expect(parameterMistake(rising, "3", "4")).toMatch(/may only rise/);
});
