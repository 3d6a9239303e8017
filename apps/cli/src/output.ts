import { CodedError } from "@berth/std";
import { type Command, Option } from "commander";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** What the table of a list may show, by the names that head its columns. */
export type Columns<T> = Readonly<Record<string, (one: T) => string>>;

/** How a list is wanted. */
export interface ListOptions {
  readonly output: string;
  readonly column: readonly string[];
}

/** Adds `--output table|json` and `--column`: the table shows the usual columns, all of them unless told. */
export function addListOptions<T>(
  command: Command,
  columns: Columns<T>,
  usual: readonly string[] = Object.keys(columns),
): Command {
  const known = Object.keys(columns);
  const read = (text: string, former: readonly string[]) => [
    ...(former === usual ? [] : former),
    ...readColumns(text, known),
  ];
  return command
    .addOption(outputOption("table"))
    .addOption(
      new Option("-c, --column <names>", `columns of the table, separated by commas: ${known.join(", ")}`)
        .argParser(read)
        .default(usual, usual.length === known.length ? "all" : usual.join(", ")),
    );
}

/** @throws CodedError invalid_argument that names the columns there are. */
function readColumns(text: string, known: readonly string[]): string[] {
  const names = text.split(",").map((name) => name.trim().toLowerCase());
  const stranger = names.find((name) => !known.includes(name));
  if (stranger === undefined) return names;
  throw new CodedError(
    "invalid_argument",
    `there is no column "${stranger}": the columns are ${known.join(", ")}`,
  );
}

/** `--output` of a command whose plain output is a table, or just text. */
export function outputOption(plain: "table" | "text"): Option {
  return new Option("-o, --output <format>", "output format").choices([plain, "json"]).default(plain);
}

/** Prints a list as a table of the wanted columns, or whole as JSON: an empty list is `[]`, never nothing. */
export function printList<T>(
  terminal: Terminal,
  { output, column }: ListOptions,
  all: readonly T[],
  columns: Columns<T>,
): void {
  if (output === "json") return terminal.print(JSON.stringify(all, null, 2));
  const rows = all.map((one) => column.map((name) => columns[name]?.(one) ?? ""));
  terminal.print(table(column, rows));
}
