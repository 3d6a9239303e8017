import type { Validation } from "@berth/http-api";
import { Problem } from "./problem.ts";

/** A search such as `owner:me name:"a b" word`: values by key, and words that have none. */
export interface Filter<Key extends string> {
  readonly values: Partial<Record<Key, string>>;
  readonly words: readonly string[];
}

/** Reads a search. @throws Problem 400 that names every key nobody knows: or lacks a value: a filter is never ignored */
export function parseFilter<const Key extends string>(
  q: string | undefined,
  keys: readonly Key[],
  what: string,
): Filter<Key> {
  const values: Partial<Record<Key, string>> = {};
  const words: string[] = [];
  const validations: Validation[] = [];
  for (const [, field, value = "", word = ""] of (q ?? "").matchAll(TERM)) {
    const key = keys.find((one) => one === field?.toLowerCase());
    if (field === undefined) words.push(unquoted(word));
    else if (key === undefined) validations.push({ field, detail: unknown(field, keys) });
    else if (value === "") validations.push({ field, detail: "It has no value." });
    else values[key] = unquoted(value);
  }
  if (validations.length === 0) return { values, words };
  throw new Problem(400, `Invalid ${what} search query.`, { validations });
}

/** `key:value`, `key:"a value"`, `word` or `"some words"`. */
const TERM = /([^\s:"]+):("[^"]*"|[^\s"]*)|("[^"]*"|[^\s"]+)/g;

const unknown = (field: string, keys: readonly string[]) =>
  `"${field}" is not a valid query param. These are: ${keys.join(", ")}.`;

const unquoted = (value: string) => value.replace(/^"(.*)"$/, "$1");

/** A boolean of a filter. @throws Problem 400 when it is none */
export function booleanOf(field: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === "true" || value === "false") return value === "true";
  throw new Problem(400, "Invalid search query.", {
    validations: [{ field, detail: `Query param "${field}" must be true or false, and is "${value}".` }],
  });
}

/** One of a closed set of words, in any case. @throws Problem 400 when it is none */
export function wordOf<const Word extends string>(
  field: string,
  value: string | undefined,
  words: readonly Word[],
): Word | undefined {
  if (value === undefined) return undefined;
  const word = words.find((one) => one === value.toLowerCase());
  if (word !== undefined) return word;
  throw new Problem(400, "Invalid search query.", {
    validations: [
      { field, detail: `Query param "${field}" must be one of ${words.join(", ")}, and is "${value}".` },
    ],
  });
}

/** A part of a LIKE pattern that means itself. */
export const literally = (text: string) => text.replace(/[\\%_]/g, "\\$&");
