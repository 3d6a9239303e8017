import { homedir } from "node:os";
import { resolve } from "node:path";
import { Secret, parseDuration } from "@berth/std";
import { MismatchError } from "./mistake.ts";
import type { Field, KindName } from "./section.ts";

/** What may be said of a field beyond its variable, default and description. */
export interface FieldOptions {
  readonly aliases?: readonly string[];
  /** The flag without dashes; by default the variable without CODER_, lower case, with dashes. */
  readonly flag?: string;
  /** The default as documents should show it, where it depends on the machine. */
  readonly shown?: string;
}

/** Bounds of a count or a duration (in milliseconds). */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** Host and port to listen on or to dial; an IPv6 host stands without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Kind<Value> {
  readonly name: KindName;
  readonly expects: string;
  /** The value of a text that is not empty. @throws MismatchError with the reason */
  readonly parse: (text: string) => Value;
}

type Required = FieldOptions & { readonly required: true };

/** How a field of a kind is declared: with a default, without one (then it may be undefined), or as required. */
export interface DeclareField<Value, Default, Extra = unknown> {
  (
    variable: string,
    fallback: Default,
    description: string,
    options?: FieldOptions & Partial<Extra>,
  ): Field<Value>;
  (variable: string, description: string, options: Required & Partial<Extra>): Field<Value>;
  (variable: string, description: string, options?: FieldOptions & Partial<Extra>): Field<Value | undefined>;
}

type Options = FieldOptions & { readonly required?: boolean };

function fieldOf<Value, Extra>(kindOf: (options: Partial<Extra>) => Kind<Value>) {
  function declared(
    variable: string,
    fallback: string | number | boolean,
    description: string,
    options?: Options & Partial<Extra>,
  ): Field<Value>;
  function declared(variable: string, description: string, options: Required & Partial<Extra>): Field<Value>;
  function declared(
    variable: string,
    description: string,
    options?: Options & Partial<Extra>,
  ): Field<Value | undefined>;
  function declared(
    variable: string,
    first: string | number | boolean,
    second?: string | (Options & Partial<Extra>),
    third?: Options & Partial<Extra>,
  ): Field<Value | undefined> {
    const withDefault = typeof second === "string";
    const options = (withDefault ? third : second) ?? {};
    return field(kindOf(options), variable, {
      fallback: withDefault ? String(first) : undefined,
      description: withDefault ? second : String(first),
      options,
    });
  }
  return declared;
}

function field<Value>(
  kind: Kind<Value>,
  variable: string,
  said: { fallback: string | undefined; description: string; options: Options },
): Field<Value | undefined> {
  const { fallback, description, options } = said;
  return {
    variable,
    aliases: options.aliases ?? [],
    flag:
      options.flag ??
      variable
        .replace(/^CODER_/, "")
        .toLowerCase()
        .replaceAll("_", "-"),
    description,
    kind: kind.name,
    expects: kind.expects,
    fallback,
    shown: options.shown ?? fallback,
    required: options.required ?? false,
    read(text) {
      const given = text ?? fallback;
      return given === undefined ? undefined : kind.parse(given);
    },
  };
}

/** Any text. */
export const text: DeclareField<string, string> = fieldOf(() => ({
  name: "text",
  expects: "a text",
  parse: (given) => given,
}));

/** An http or https URL (or of other `protocols`). */
export const url: DeclareField<URL, string, { protocols: readonly string[] }> = fieldOf(
  ({ protocols = ["http", "https"] }: { protocols?: readonly string[] }) => ({
    name: "url",
    expects: `a URL such as ${protocols[0] ?? "http"}://berth.example.com`,
    parse(given) {
      const made = URL.parse(given);
      if (made === null || !protocols.includes(made.protocol.slice(0, -1)) || made.host === "")
        throw new MismatchError();
      return made;
    },
  }),
);

/** `host:port`; `*:80` and `:80` mean every address, `[::1]:80` is IPv6. */
export const address: DeclareField<Address, string> = fieldOf(() => ({
  name: "address",
  expects: "an address such as 127.0.0.1:3000, [::1]:3000 or *:80",
  parse: parseAddress,
}));

/** Milliseconds, written as "1h30m" or "250ms". */
export const duration: DeclareField<number, string, Bounds> = fieldOf((bounds: Bounds) => ({
  name: "duration",
  expects: "a duration such as 250ms, 30s, 5m or 1h30m",
  parse(given) {
    const ms = parseDuration(given);
    if (ms === undefined) throw new MismatchError();
    return within(ms, bounds, "ms");
  },
}));

/** A value that is never printed; `<VARIABLE>_FILE` may name a file that holds it. */
export const secret: DeclareField<Secret, string> = fieldOf(() => ({
  name: "secret",
  expects: "a secret without white space at its ends",
  parse(given) {
    if (given.trim() !== given)
      throw new MismatchError("there is white space at the beginning or the end (often a newline)");
    return new Secret(given);
  },
}));

/** A whole number, 0 or more, within the bounds. */
export const count: DeclareField<number, number, Bounds> = fieldOf((bounds: Bounds) => ({
  name: "count",
  expects: "a whole number such as 3",
  parse(given) {
    if (!/^\d{1,15}$/.test(given)) throw new MismatchError();
    return within(Number(given), bounds, "");
  },
}));

const YES = ["true", "1", "yes", "on", "t"];
const NO = ["false", "0", "no", "off", "f"];

/** True or false. */
export const flag: DeclareField<boolean, boolean> = fieldOf(() => ({
  name: "flag",
  expects: "true or false",
  parse(given) {
    const word = given.toLowerCase();
    if (!YES.includes(word) && !NO.includes(word)) throw new MismatchError();
    return YES.includes(word);
  },
}));

/** A path, made absolute; `~` is the home folder. */
export const path: DeclareField<string, string> = fieldOf(() => ({
  name: "path",
  expects: "a path",
  parse: (given) => resolve(given.replace(/^~(?=\/|$)/, homedir())),
}));

/** One of the words. */
export function choice<const Word extends string>(
  variable: string,
  words: readonly Word[],
  fallback: NoInfer<Word>,
  description: string,
  options: FieldOptions = {},
): Field<Word> {
  const make = fieldOf<Word, unknown>(() => ({
    name: "choice",
    expects: `one of ${words.join(", ")}`,
    parse(given) {
      const word = words.find((one) => one === given.toLowerCase());
      if (word === undefined) throw new MismatchError();
      return word;
    },
  }));
  return make(variable, fallback, description, options);
}

/** Words between commas; none by default. */
export function list(
  variable: string,
  fallback: string,
  description: string,
  options: FieldOptions = {},
): Field<readonly string[]> {
  return { ...lists(variable, fallback, description, options), shown: shown(fallback) };
}

/** `key=value` pairs between commas; none by default. */
export function tags(
  variable: string,
  fallback: string,
  description: string,
  options: FieldOptions = {},
): Field<Readonly<Record<string, string>>> {
  return { ...pairs(variable, fallback, description, options), shown: shown(fallback) };
}

const shown = (fallback: string): string | undefined => (fallback === "" ? undefined : fallback);

const lists = fieldOf<readonly string[], unknown>(() => ({
  name: "list",
  expects: "words between commas, such as a,b",
  parse: splitList,
}));

const pairs = fieldOf<Readonly<Record<string, string>>, unknown>(() => ({
  name: "tags",
  expects: "pairs between commas, such as scope=organization,region=eu",
  parse: (given) => Object.fromEntries(splitList(given).map(splitPair)),
}));

function splitList(given: string): string[] {
  return given
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf("=");
  if (at <= 0) throw new MismatchError(`"${pair}" is not of the form key=value`);
  return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}

function parseAddress(given: string): Address {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/\s[\]]*)):(\d{1,5})$/.exec(given);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) throw new MismatchError();
  const host = parts[1] ?? parts[2] ?? "";
  return { host: host === "*" || host === "" ? "0.0.0.0" : host, port };
}

function within(value: number, { min = 0, max = Infinity }: Bounds, unit: string): number {
  if (value < min) throw new MismatchError(`it must be at least ${min}${unit}`);
  if (value > max) throw new MismatchError(`it must be at most ${max}${unit}`);
  return value;
}
