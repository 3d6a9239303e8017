import type { TemplateVersionParameter, Validation, WorkspaceBuildParameter } from "@berth/http-api";
import { Problem } from "../http/problem.ts";
import { parameterMistake } from "./parameter-value.ts";

interface Question {
  /** What the template version asks for. */
  readonly parameters: readonly TemplateVersionParameter[];
  readonly given: readonly WorkspaceBuildParameter[];
  /** The values of the build before; empty for a first one. */
  readonly previous: readonly WorkspaceBuildParameter[];
}

/**
 * The values a start is built with: given, else the previous, else the default.
 * @throws Problem 400 that names every parameter that is missing or wrong
 */
export function resolveParameters({ parameters, given, previous }: Question): WorkspaceBuildParameter[] {
  const unknown = given.filter(({ name }) => !parameters.some((parameter) => parameter.name === name));
  const names = parameters.map(({ name }) => name).join(", ") || "none";
  const validations: Validation[] = unknown.map(({ name }) => ({
    field: name,
    detail: `The template has no parameter "${name}": it has ${names}.`,
  }));
  const values: WorkspaceBuildParameter[] = [];
  for (const parameter of parameters) {
    const answer = answerTo(parameter, valueOf(given, parameter.name), valueOf(previous, parameter.name));
    if ("detail" in answer) validations.push({ field: parameter.name, detail: answer.detail });
    else values.push({ name: parameter.name, value: answer.value });
  }
  if (validations.length === 0) return values;
  throw new Problem(400, "Some parameters of the template are missing or wrong.", { validations });
}

const valueOf = (values: readonly WorkspaceBuildParameter[], name: string) =>
  values.find((one) => one.name === name)?.value;

type Answer = { readonly value: string } | { readonly detail: string };

function answerTo(
  parameter: TemplateVersionParameter,
  given: string | undefined,
  previous: string | undefined,
): Answer {
  if (given !== undefined && previous !== undefined && !parameter.mutable && given !== previous)
    return { detail: `Parameter "${parameter.name}" cannot be changed after the workspace was created.` };
  const kept = parameter.ephemeral ? undefined : previous;
  const value = given ?? kept ?? (parameter.required ? undefined : parameter.default_value);
  if (value === undefined) return { detail: `Parameter "${parameter.name}" is required and has no value.` };
  const mistake = parameterMistake(parameter, value, kept);
  return mistake === undefined ? { value } : { detail: mistake };
}
