import type { Validation } from "@berth/http-api";
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Value } from "typebox/value";
import { Problem } from "./problem.ts";

type Place = "params" | "query" | "body";

/** Checks one part of a request against its declared schema. @throws Problem 400 that names every wrong field */
export function validatorOf<S extends TSchema>(schema: S, place: Place): (value: unknown) => Static<S> {
  const compiled = Compile(schema);
  return (given) => {
    // a URL holds texts only: numbers and booleans are read out of them
    const value = place === "body" ? given : Value.Convert(schema, { ...(given as object) });
    if (place === "body" && (typeof value !== "object" || value === null))
      throw new Problem(400, "The body must be a JSON object.");
    const unkept = fieldsWithNul(value);
    if (unkept.length > 0)
      throw new Problem(400, "Validation failed.", {
        validations: unkept.map((field) => ({
          field,
          detail: "It holds a NUL character, which cannot be kept.",
        })),
      });
    if (compiled.Check(value)) return value;
    const validations = outermost(compiled.Errors(value)).flatMap((error) => validationsOf(schema, error));
    throw new Problem(400, "Validation failed.", { validations, ...detailOf(validations) });
  };
}

/** Postgres keeps every character but this one. A body may be nested deeper than a stack is. */
function fieldsWithNul(value: unknown): string[] {
  const found: string[] = [];
  const open: [field: string, value: unknown][] = [["", value]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [field, at] = next;
    if (typeof at === "string" && at.includes("\0")) found.push(field);
    if (typeof at !== "object" || at === null) continue;
    for (const [name, part] of Object.entries(at)) {
      if (name.includes("\0")) found.push(field);
      open.push([field === "" ? name : `${field}.${name}`, part]);
    }
  }
  return found;
}

const detailOf = ([first]: Validation[]) =>
  first === undefined ? {} : { detail: `${first.field}: ${first.detail}` };

interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** Of a union that no branch of fits, the union alone: what each branch missed tells nobody anything. */
function outermost(errors: readonly SchemaError[]): SchemaError[] {
  const unions = errors
    .filter(({ keyword }) => keyword === "anyOf")
    .map((error) => `${error.schemaPath}/anyOf/`);
  return errors.filter(({ schemaPath }) => !unions.some((union) => schemaPath.startsWith(union)));
}

function validationsOf(schema: TSchema, error: SchemaError): Validation[] {
  const field = error.instancePath.slice(1).replaceAll("/", ".");
  if ("requiredProperties" in error.params && Array.isArray(error.params.requiredProperties))
    return error.params.requiredProperties.map((name) => ({
      field: [field, String(name)].filter((part) => part !== "").join("."),
      detail: "This field is required.",
    }));
  const description = error.keyword === "type" ? undefined : descriptionAt(schema, error.schemaPath);
  return [{ field, detail: description ?? sentence(error) }];
}

function sentence({ message, params }: SchemaError): string {
  if ("allowedValues" in params && Array.isArray(params.allowedValues))
    return `It must be one of ${params.allowedValues.join(", ")}.`;
  return `It ${message}.`;
}

function descriptionAt(schema: TSchema, path: string): string | undefined {
  const found = path
    .split("/")
    .slice(1)
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], schema);
  const description = (found as { description?: unknown } | undefined)?.description;
  return typeof description === "string" ? `${description}.` : undefined;
}
