import { goPattern } from "@berth/std";
import type { TemplateVersionParameter } from "@berth/http-api";

/** What is wrong with a value, in words; undefined when nothing is. */
export function parameterMistake(
  parameter: TemplateVersionParameter,
  value: string,
  previous: string | undefined,
): string | undefined {
  const said = parameter.validation_error;
  const mistake =
    optionMistake(parameter, value) ??
    typeMistake(parameter, value) ??
    ruleMistake(parameter, value, previous);
  if (mistake === undefined) return undefined;
  return mistake.byRule && said !== undefined && said !== "" ? filled(said, parameter, value) : mistake.text;
}

interface Mistake {
  readonly text: string;
  /** Broken was a rule of the template's own, which may bring its own words. */
  readonly byRule: boolean;
}

const plain = (text: string): Mistake => ({ text, byRule: false });
const byRule = (text: string): Mistake => ({ text, byRule: true });

function optionMistake({ options, type }: TemplateVersionParameter, value: string): Mistake | undefined {
  if (options.length === 0) return undefined;
  const allowed = options.map((option) => option.value);
  const chosen = type === "list(string)" ? listOf(value) : [value];
  const stray = chosen?.find((one) => !allowed.includes(one));
  if (stray === undefined || allowed.includes(value)) return undefined;
  return plain(`"${stray}" is not one of ${allowed.map((one) => `"${one}"`).join(", ")}.`);
}

function typeMistake({ type }: TemplateVersionParameter, value: string): Mistake | undefined {
  if (type === "number" && !isNumber(value)) return plain(`"${value}" is not a number.`);
  if (type === "bool" && value !== "true" && value !== "false")
    return plain(`"${value}" is not true or false.`);
  if (type === "list(string)" && listOf(value) === undefined)
    return plain(`"${value}" is not a list of texts such as ["a","b"].`);
  return undefined;
}

function ruleMistake(
  parameter: TemplateVersionParameter,
  value: string,
  previous: string | undefined,
): Mistake | undefined {
  const { type, validation_regex: regex, validation_min: min, validation_max: max } = parameter;
  if (type === "string" && regex !== undefined && regex !== "" && !matches(regex, value))
    return byRule(`"${value}" does not match ${regex}.`);
  if (type !== "number") return undefined;
  if (min !== undefined && Number(value) < min) return byRule(`${value} is less than ${min}.`);
  if (max !== undefined && Number(value) > max) return byRule(`${value} is more than ${max}.`);
  const from = previous === undefined || !isNumber(previous) ? undefined : Number(previous);
  if (from === undefined) return undefined;
  if (parameter.validation_monotonic === "increasing" && Number(value) < from)
    return byRule(`It may only rise, and was ${from}.`);
  if (parameter.validation_monotonic === "decreasing" && Number(value) > from)
    return byRule(`It may only fall, and was ${from}.`);
  return undefined;
}

/** As Terraform writes numbers; what else JavaScript takes for one, the provider would refuse later. */
const isNumber = (text: string) => /^-?\d+(\.\d+)?$/.test(text);

function listOf(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
  } catch {
    return undefined; // no JSON: the caller says so
  }
}

/** An expression that cannot be read here holds nothing back. */
const matches = (expression: string, value: string) => goPattern(expression)?.test(value) ?? true;

const filled = (text: string, { validation_min, validation_max }: TemplateVersionParameter, value: string) =>
  text
    .replaceAll("{min}", String(validation_min ?? ""))
    .replaceAll("{max}", String(validation_max ?? ""))
    .replaceAll("{value}", value);
