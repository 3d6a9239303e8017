import { type Command, Option } from "commander";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Adds `--output table|json`. */
export function addOutput(command: Command): Command {
  return command.addOption(
    new Option("-o, --output <format>", "output format").choices(["table", "json"]).default("table"),
  );
}

/** Prints a list as a table, or whole as JSON: an empty list is `[]`, never nothing. */
export function printList<T>(
  terminal: Terminal,
  output: string,
  all: readonly T[],
  headings: readonly string[],
  row: (one: T) => readonly string[],
): void {
  terminal.print(output === "json" ? JSON.stringify(all, null, 2) : table(headings, all.map(row)));
}

/** `a=b` given several times, as names and values. */
export function collectPairs(text: string, former: readonly Pair[]): Pair[] {
  const at = text.indexOf("=");
  if (at <= 0) throw new InvalidPairError(text);
  return [...former, { name: text.slice(0, at), value: text.slice(at + 1) }];
}

export interface Pair {
  readonly name: string;
  readonly value: string;
}

class InvalidPairError extends Error {
  override readonly name = "InvalidPairError";

  constructor(text: string) {
    super(`"${text}" is not name=value`);
  }
}
