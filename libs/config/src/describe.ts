import { type Field, type Section, fieldsOf } from "./section.ts";

/** One option as people read it. */
export interface Row {
  readonly variable: string;
  readonly flag: string;
  readonly aliases: readonly string[];
  readonly kind: string;
  readonly fallback: string;
  readonly description: string;
}

/** The rows of `--help`, in the order of declaration. */
export function describe(one: Section<unknown>): readonly Row[] {
  return fieldsOf(one).map((field) => ({
    variable: field.variable,
    flag: `--${field.flag}`,
    aliases: field.aliases,
    kind: field.kind,
    fallback: fallbackOf(field),
    description: field.description,
  }));
}

/** The option table of a service's README, as prettier would format it. */
export function readmeTable(one: Section<unknown>): string {
  const rows = describe(one).map(({ variable, aliases, fallback, description }) => [
    [variable, ...aliases].join(", "),
    fallback,
    description.replaceAll("|", "\\|"),
  ]);
  const header = ["variable", "default", ""];
  const widths = header.map((_, column) =>
    Math.max(3, ...[header, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [header, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("\n");
}

/** The text of `--help` for several sections: flag, variable, default, description. */
export function helpText(sections: readonly Section<unknown>[]): string {
  return [...new Map(sections.flatMap(describe).map((row) => [row.variable, row])).values()]
    .map(
      ({ flag, kind, variable, fallback, description }) =>
        `  ${flag} ${kind === "flag" ? "" : `<${kind}> `}($${variable}, default ${fallback})\n      ${description}`,
    )
    .join("\n");
}

function fallbackOf(field: Field<unknown>): string {
  if (field.required) return "required";
  return field.shown ?? "–";
}
