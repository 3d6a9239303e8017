import { readFileSync } from "node:fs";
import { messageOf } from "@berth/std";
import { readArguments } from "./arguments.ts";
import type { Environment } from "./environment.ts";
import { ConfigError, MismatchError, type Mistake } from "./mistake.ts";
import { type Field, type Section, fieldsOf } from "./section.ts";
import { unknownVariables } from "./unknown.ts";

/** Where values come from; a flag wins over a variable. */
export interface Sources {
  readonly env: Environment;
  readonly argv?: readonly string[];
  /** Variables that parts of this program read which are not among the sections. */
  readonly known?: readonly string[];
}

/** The values of each section, in order, and what an operator should hear. */
export interface Parsed<Values> {
  readonly values: Values;
  /** One sentence per unknown variable. */
  readonly warnings: readonly string[];
}

/** The type of a section's values. */
export type ValuesOf<S> = S extends Section<infer Config> ? Config : never;

/**
 * Reads every field of every section.
 * @throws ConfigError with all mistakes at once
 */
export function parse<const S extends readonly Section<unknown>[]>(
  sections: S,
  { env, argv = [], known = [] }: Sources,
): Parsed<{ readonly [I in keyof S]: ValuesOf<S[I]> }> {
  const fields = sections.flatMap(fieldsOf);
  const line = readArguments(argv, fields);
  const mistakes = new Map<string, Mistake>(line.mistakes.map((one) => [one.variable, one]));
  const values = sections.map((one) =>
    Object.fromEntries(
      Object.entries<Field<unknown>>(one.fields).map(([name, field]) => [
        name,
        readField(field, env, line.flags, mistakes),
      ]),
    ),
  );
  if (mistakes.size > 0) throw new ConfigError([...mistakes.values()]);
  return {
    values: values as { readonly [I in keyof S]: ValuesOf<S[I]> }, // each value was read by the field of its name
    warnings: unknownVariables(env, fields, known),
  };
}

interface Given {
  /** The variable or flag that it came from. */
  readonly from: string;
  readonly text: string;
}

function readField(
  field: Field<unknown>,
  env: Environment,
  flags: ReadonlyMap<string, string>,
  mistakes: Map<string, Mistake>,
): unknown {
  let given: Given | undefined;
  try {
    given = find(field, env, flags);
    if (given === undefined && field.required) throw new MismatchError("it is not set");
    const text = field.kind === "secret" || field.kind === "text" ? given?.text : given?.text.trim();
    return field.read(text);
  } catch (error) {
    if (!(error instanceof MismatchError)) throw error;
    mistakes.set(field.variable, mistakeOf(field, given, error.message));
    return undefined;
  }
}

function mistakeOf(field: Field<unknown>, given: Given | undefined, reason: string): Mistake {
  const from = given?.from ?? field.variable;
  const expected = reason === "" ? `expected ${field.expects}` : `${reason}; expected ${field.expects}`;
  const mend =
    field.kind === "secret" && given !== undefined
      ? "Write it without the newline, as printf %s does"
      : `Set ${from.startsWith("--") ? from : `${from} (or --${field.flag})`}: ${field.description}`;
  return {
    variable: from,
    expected,
    mend,
    ...(given === undefined || field.kind === "secret" ? {} : { value: given.text }),
  };
}

/** The value as written, and where. An empty variable is as good as none: compose files and charts leave them so. */
function find(
  field: Field<unknown>,
  env: Environment,
  flags: ReadonlyMap<string, string>,
): Given | undefined {
  const flag = flags.get(field.flag);
  if (flag !== undefined) return { from: `--${field.flag}`, text: flag };
  for (const from of [field.variable, ...field.aliases]) {
    const text = env[from] ?? "";
    const file = field.kind === "secret" ? (env[`${from}_FILE`] ?? "") : "";
    if (text !== "" && file !== "")
      throw new MismatchError(`both ${from} and ${from}_FILE are set, one of them is enough`);
    if (text !== "") return { from, text };
    if (file !== "") return { from: `${from}_FILE`, text: readSecretFile(`${from}_FILE`, file) };
  }
  return undefined;
}

function readSecretFile(variable: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new MismatchError(`${variable} names a file that cannot be read (${messageOf(error)})`);
  }
}
