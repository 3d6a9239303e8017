/** One option: everything that reading it, `--help` and the README say about it. */
export interface Field<Value> {
  /** The environment variable that operators know. */
  readonly variable: string;
  /** Older or shorter names, read when `variable` is not set. */
  readonly aliases: readonly string[];
  /** The command line flag, without dashes. */
  readonly flag: string;
  readonly description: string;
  readonly kind: KindName;
  /** What a value looks like, for messages: "a duration such as 30s". */
  readonly expects: string;
  /** The default as one would write it; undefined when there is none. */
  readonly fallback: string | undefined;
  /** The default as documents show it. */
  readonly shown: string | undefined;
  readonly required: boolean;
  /** Reads a value as written, or answers the default. @throws MismatchError when it is not of the kind. */
  readonly read: (text: string | undefined) => Value;
}

/** The kinds of options there are. */
export type KindName =
  "text" | "url" | "address" | "duration" | "secret" | "count" | "choice" | "flag" | "list" | "tags" | "path";

/** A declared group of options: type, variable, flag, default, help and docs from one declaration. */
export interface Section<Config> {
  readonly fields: { readonly [Name in keyof Config]: Field<Config[Name]> };
}

/** Declares a group of options; the type of the parsed values follows from the fields. */
export function section<Config>(fields: {
  readonly [Name in keyof Config]: Field<Config[Name]>;
}): Section<Config> {
  return { fields };
}

/** Two sections under one type, for a service whose options come from several libs. */
export function merge<A, B>(a: Section<A>, b: Section<B>): Section<A & B> {
  return { fields: { ...a.fields, ...b.fields } } as unknown as Section<A & B>; // a spread of mapped types is not mapped again
}

/** The fields of any section, whatever their values. */
export function fieldsOf(one: Section<unknown>): readonly Field<unknown>[] {
  return Object.values(one.fields);
}
