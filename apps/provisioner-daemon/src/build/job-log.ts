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
  #sending: Promise<void> = Promise.resolve();
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
    this.say("info", "");
  }

  /** Something the daemon itself has to say. */
  say(level: LogLine["level"], output: string): void {
    this.#add([this.#number(provisioner.LogSource.PROVISIONER_DAEMON, level, output)]);
  }

  /** Something Terraform said, and how far its output is numbered with it. */
  relay(lines: readonly LogLine[], readTo?: number): void {
    const source = provisioner.LogSource.PROVISIONER;
    this.#add(
      lines.map(({ level, output }) => this.#number(source, level, output)),
      readTo,
    );
  }

  /**
   * Sends what waits, once it is on disk: a number that somebody has seen must mean the same line for a later incarnation.
   * Resolves when it is on its way.
   */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#waiting.splice(0);
    this.#sending = Promise.all([this.#sending, this.#journal.written]).then(() => {
      if (lines.length > 0) this.#send(lines);
    });
    return this.#sending;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #number(source: provisioner.LogSource, level: LogLine["level"], output: string): provisioner.LogLine {
    this.#sequence += 1n;
    return numberedLine(this.#sequence, source, level, this.#stage, output);
  }

  #add(lines: readonly provisioner.LogLine[], readTo?: number): void {
    this.#journal.numbered(lines, readTo);
    this.#waiting.push(...lines);
    if (this.#waiting.length >= BATCH_LINES) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), this.#flushMs);
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
