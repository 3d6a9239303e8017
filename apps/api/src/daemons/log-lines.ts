import { provisioner } from "@berth/contract";
import type { LogLevel } from "@berth/http-api";
import type { JobLogLine } from "../logs/job-log.ts";

const LEVELS: Readonly<Record<provisioner.LogLevel, LogLevel>> = {
  [provisioner.LogLevel.UNSPECIFIED]: "info",
  [provisioner.LogLevel.TRACE]: "trace",
  [provisioner.LogLevel.DEBUG]: "debug",
  [provisioner.LogLevel.INFO]: "info",
  [provisioner.LogLevel.WARN]: "warn",
  [provisioner.LogLevel.ERROR]: "error",
};

/** Lines as a daemon sends them; a level that a newer daemon knows and we do not is `info`. */
export function logLines(lines: readonly provisioner.LogLine[]): JobLogLine[] {
  return lines.map((line) => ({
    sequence: Number(line.sequence),
    createdAt: line.createdAt ?? new Date(),
    source: line.source === provisioner.LogSource.PROVISIONER ? "provisioner" : "provisioner_daemon",
    level: (LEVELS as Readonly<Record<number, LogLevel | undefined>>)[line.level] ?? "info",
    stage: line.stage,
    output: line.output,
  }));
}
