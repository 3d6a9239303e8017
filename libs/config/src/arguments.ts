import type { Mistake } from "./mistake.ts";
import { nearest } from "./nearest.ts";
import type { Field } from "./section.ts";

/** What a command line says: flags by name, the mistakes in it, and whether help was asked for. */
export interface CommandLine {
  readonly flags: ReadonlyMap<string, string>;
  readonly mistakes: readonly Mistake[];
  readonly help: boolean;
}

/** Reads `--name value`, `--name=value`, and `--name` of a boolean. */
export function readArguments(argv: readonly string[], fields: readonly Field<unknown>[]): CommandLine {
  const flags = new Map<string, string>();
  const mistakes: Mistake[] = [];
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, name = "", , written] = /^--([^=]+)(=(.*))?$/s.exec(word) ?? [];
    const field = fields.find((one) => one.flag === name);
    if (field === undefined) {
      if (!isHelp(word)) mistakes.push(unknownWord(word, fields));
      continue;
    }
    const value = written ?? (field.kind === "flag" && !isBoolean(words[0]) ? "true" : words.shift());
    if (value !== undefined) flags.set(name, value);
    else
      mistakes.push({
        variable: word,
        expected: `${field.expects} must follow`,
        mend: `Write ${word} <${field.kind}>`,
      });
  }
  return { flags, mistakes, help: argv.some(isHelp) };
}

const isHelp = (word: string) => word === "--help" || word === "-h";
const isBoolean = (word: string | undefined) => word === "true" || word === "false";

function unknownWord(word: string, fields: readonly Field<unknown>[]): Mistake {
  const near = nearest(
    word.replace(/^-+|=.*$/gs, ""),
    fields.map((field) => field.flag),
  );
  return {
    variable: word.replace(/=.*$/s, ""),
    expected: "there is no such argument",
    mend: near === undefined ? "--help lists all" : `Did you mean --${near}? --help lists all`,
  };
}
