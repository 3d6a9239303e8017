import { provisioner } from "@berth/contract";
import type { LogLine } from "@berth/terraform";
import type { Journal } from "../cache/journal.ts";

const LEVELS = {
  debug: provisioner.LogLevel.DEBUG,
  info: provisioner.LogLevel.INFO,
  warn: provisioner.LogLevel.WARN,
  error: provisioner.LogLevel.ERROR,
} as const;

const LINE_CHARACTERS = 32_000;
const BATCH_LINES = 500;

/** Numbers the log lines of a build, notes them on disk, and sends them in batches. */
export class JobLog implements Disposable {
  readonly #journal: Journal;
  readonly #send: (lines: provisioner.LogLine[]) => void;
  readonly #flushMs: number;
  #waiting: provisioner.LogLine[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sequence = 0n;
  #stage = "";

  constructor(journal: Journal, flushMs: number, send: (lines: provisioner.LogLine[]) => void) {
    this.#journal = journal;
    this.#flushMs = flushMs;
    this.#send = send;
  }

  /** What the build does now. The empty line is what shows a stage that says nothing. */
  stage(name: string): void {
    this.#stage = name;
    this.#add(provisioner.LogSource.PROVISIONER_DAEMON, "info", "");
  }

  /** Something the daemon itself has to say. */
  say(level: LogLine["level"], output: string): void {
    this.#add(provisioner.LogSource.PROVISIONER_DAEMON, level, output);
  }

  /** Something Terraform said. */
  relay({ level, output }: LogLine, readTo?: number): void {
    this.#add(provisioner.LogSource.PROVISIONER, level, output, readTo);
  }

  /** Sends what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length > 0) this.#send(this.#waiting.splice(0));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #add(source: provisioner.LogSource, level: LogLine["level"], output: string, readTo?: number): void {
    this.#sequence += 1n;
    const line = numberedLine(this.#sequence, source, level, this.#stage, output);
    this.#journal.numbered([line], readTo);
    this.#waiting.push(line);
    if (this.#waiting.length >= BATCH_LINES) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), this.#flushMs);
  }
}

/** A line as it goes over the wire; what no screen would show is cut. */
export function numberedLine(
  sequence: bigint,
  source: provisioner.LogSource,
  level: LogLine["level"],
  stage: string,
  output: string,
): provisioner.LogLine {
  const rest = output.length - LINE_CHARACTERS;
  const text = rest > 0 ? `${output.slice(0, LINE_CHARACTERS)} … (${rest} more characters)` : output;
  return { sequence, createdAt: new Date(), source, level: LEVELS[level], stage, output: text };
}
