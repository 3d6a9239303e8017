import type { Fields, Logger } from "@berth/telemetry";

/** One line that was logged. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Fields;
}

/** A Logger that keeps its lines for the test to read. */
export interface RecordedLog extends Logger {
  readonly lines: readonly LogLine[];
}

/** Makes a log; its children write into the same lines. */
export function recordedLog(): RecordedLog {
  const lines: LogLine[] = [];
  return { lines, ...logger(lines, {}) };
}

function logger(lines: LogLine[], bound: Fields): Logger {
  const write =
    (level: LogLine["level"]) =>
    (message: string, fields: Fields = {}) =>
      void lines.push({ level, message, fields: { ...bound, ...fields } });
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => logger(lines, { ...bound, ...fields }),
  };
}
