import { type Value, type Values, isValues, textOf, toValue } from "../provider/value.ts";
import { type Diagnostic, logLinesOf, toDiagnostic } from "./diagnostics.ts";

/** What people see of a build. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly output: string;
}

/** What one line of Terraform's `-json` stream says. */
export interface StreamLine {
  /** Terraform's name for this kind of line; "" for text. */
  readonly type: string;
  readonly lines: readonly LogLine[];
  readonly diagnostic?: Diagnostic;
  /** The resource whose creation has begun. */
  readonly started?: string;
}

const LEVELS: Readonly<Record<string, LogLine["level"]>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  error: "error",
};

/**
 * Reads a line of Terraform's stdout: JSON of its own, or the text of something it ran. TRACE is left out.
 * On stderr, where TF_LOG writes, INFO counts as debug.
 */
export function readStreamLine(text: string, stream: "stdout" | "stderr"): StreamLine {
  const json = parse(text);
  if (json === undefined)
    return { type: "", lines: text.trim() === "" ? [] : [{ level: "info", output: withoutColor(text) }] };
  const said = textOf(json["@level"]).toLowerCase();
  const type = textOf(json["type"]);
  if (said === "trace" || type === "version") return { type, lines: [] };
  const level = stream === "stderr" && said === "info" ? "debug" : (LEVELS[said] ?? "info");
  if (isValues(json["diagnostic"])) {
    const diagnostic = toDiagnostic(json["diagnostic"]);
    const severity = diagnostic.severity === "error" ? "error" : "warn";
    return { type, diagnostic, lines: logLinesOf(diagnostic).map((output) => ({ level: severity, output })) };
  }
  const output = withoutColor(textOf(json["@message"]));
  const started = startedIn(json);
  return {
    type,
    lines: output === "" ? [] : [{ level, output }],
    ...(started !== undefined && { started }),
  };
}

function startedIn(json: Values): string | undefined {
  const hook: Value | undefined = json["hook"];
  if (json["type"] !== "apply_start" || !isValues(hook) || !isValues(hook["resource"])) return undefined;
  return hook["action"] === "create" ? textOf(hook["resource"]["addr"]) : undefined;
}

function parse(text: string): Values | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value = toValue(JSON.parse(text));
    return isValues(value) && "@message" in value ? value : undefined;
  } catch {
    return undefined; // a program's own output may look like JSON
  }
}

function withoutColor(text: string): string {
  return text.replaceAll(/\u001b\[[0-9;]*m/g, "").replaceAll("\0", "");
}
