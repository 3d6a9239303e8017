import { Problem } from "./problem.ts";

/** A search such as `owner:me name:"a b" word`: values by key, and words that have none. */
export interface Filter<Key extends string> {
  readonly values: Partial<Record<Key, string>>;
  readonly words: readonly string[];
}

/** Reads a search. @throws Problem 400 that names every key nobody knows: a filter is never ignored */
export function parseFilter<const Key extends string>(
  q: string | undefined,
  keys: readonly Key[],
  what: string,
): Filter<Key> {
  const values: Partial<Record<Key, string>> = {};
  const words: string[] = [];
  const unknown: string[] = [];
  for (const [, key, value] of termsOf(q ?? "")) {
    if (key === undefined) words.push(unquoted(value ?? ""));
    else if (isOneOf(keys, key.toLowerCase())) values[key.toLowerCase() as Key] = unquoted(value ?? "");
    else unknown.push(key);
  }
  if (unknown.length === 0) return { values, words };
  throw new Problem(400, `Invalid ${what} search query.`, {
    validations: unknown.map((field) => ({
      field,
      detail: `"${field}" is not a valid query param. These are: ${keys.join(", ")}.`,
    })),
  });
}

const termsOf = (q: string) =>
  q.matchAll(/(?:([^\s:"]+):)?("[^"]*"|[^\s"]+|$)/g).filter(([whole]) => whole !== "");

const isOneOf = <Key extends string>(keys: readonly Key[], key: string): key is Key =>
  (keys as readonly string[]).includes(key);

const unquoted = (value: string) => value.replace(/^"(.*)"$/, "$1");

/** A boolean of a filter. @throws Problem 400 when it is none */
export function booleanOf(field: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === "true" || value === "false") return value === "true";
  throw new Problem(400, "Invalid search query.", {
    validations: [{ field, detail: `Query param "${field}" must be true or false, and is "${value}".` }],
  });
}

/** A part of a LIKE pattern that means itself. */
export const literally = (text: string) => text.replace(/[\\%_]/g, "\\$&");
