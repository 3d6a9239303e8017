import { servedTypes } from "../provider/handlers.ts";
import { type Value, type Values, blocksOf, isValues, numberOf, textOf } from "../provider/value.ts";

/** An error or a warning of Terraform, and where in the template it stands. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly summary: string;
  readonly detail: string;
  readonly address: string;
  readonly at?: { readonly file: string; readonly line: number; readonly column: number };
  readonly snippet?: {
    readonly context: string;
    readonly code: string;
    readonly line: number;
    readonly values: readonly string[];
  };
}

/** Terraform's words for what a provider does not have. */
const NOT_SERVED = /^The provider coder\/coder does not support (?:resource type|data source) "/;

/** Reads Terraform's own JSON of a diagnostic. */
export function toDiagnostic(json: Values): Diagnostic {
  const { range, snippet } = json;
  const said = textOf(json["detail"]);
  const start = isValues(range) ? range["start"] : undefined;
  return {
    severity: json["severity"] === "warning" ? "warning" : "error",
    summary: textOf(json["summary"]),
    detail: NOT_SERVED.test(said) ? `${said}\n\nThis release has ${servedTypes.join(", ")}.` : said,
    address: textOf(json["address"]),
    ...(isValues(range) &&
      isValues(start) && {
        at: {
          file: textOf(range["filename"]),
          line: numberOf(start["line"]),
          column: numberOf(start["column"]),
        },
      }),
    ...(isValues(snippet) && {
      snippet: {
        context: textOf(snippet["context"]),
        code: textOf(snippet["code"]),
        line: numberOf(snippet["start_line"]),
        values: valuesOf(snippet["values"]),
      },
    }),
  };
}

function valuesOf(values: Value | undefined): readonly string[] {
  return blocksOf(values).map((each) => `${textOf(each["traversal"])} ${textOf(each["statement"])}`);
}

/** One line: place, summary and detail, as the job's error. */
export function oneLine(diagnostic: Diagnostic): string {
  const place =
    diagnostic.at === undefined ? diagnostic.address : `${diagnostic.at.file}:${diagnostic.at.line}`;
  const detail = diagnostic.detail.replaceAll(/\s+/g, " ").trim();
  return [place, diagnostic.summary, detail].filter((part) => part !== "").join(": ");
}

/** The lines that people see in the log: summary, place, the template's own line, detail. */
export function logLinesOf(diagnostic: Diagnostic): string[] {
  const { at, snippet } = diagnostic;
  const word = diagnostic.severity === "error" ? "Error" : "Warning";
  const lines = [`${word}: ${diagnostic.summary}`];
  if (at !== undefined) {
    const context = snippet === undefined || snippet.context === "" ? "" : `, in ${snippet.context}`;
    lines.push("", `  on ${at.file} line ${at.line}${context}:`);
  }
  if (snippet !== undefined) {
    snippet.code.split("\n").forEach((code, index) => lines.push(`  ${snippet.line + index}: ${code}`));
    snippet.values.forEach((value) => lines.push(`    ${value}`));
  }
  if (diagnostic.detail !== "") lines.push("", ...diagnostic.detail.split("\n"));
  return lines;
}
