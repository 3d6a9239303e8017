import { type Command, Option } from "commander";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Adds `--output table|json`. */
export function addOutput(command: Command): Command {
  return command.addOption(outputOption("table"));
}

/** `--output` of a command whose plain output is a table, or just text. */
export function outputOption(plain: "table" | "text"): Option {
  return new Option("-o, --output <format>", "output format").choices([plain, "json"]).default(plain);
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
