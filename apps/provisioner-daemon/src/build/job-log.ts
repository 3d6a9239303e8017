import { provisioner } from "@berth/contract";
import { type Deferred, deferred } from "@berth/std";
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
/** What may be said and not yet committed: beyond it, Terraform is not read until the control plane has caught up. */
const AHEAD_BYTES = 1 << 20;

/** What a build's log may hold of Terraform; the control plane keeps less. */
export const LOG_BYTES = 8 << 20;
export const LOG_ENDS = "The log is too long: what Terraform says from here on is left out.";

/** Numbers the log lines of a build, notes them on disk, and commits them in batches. */
export class JobLog implements Disposable {
  readonly #journal: Journal;
  readonly #commit: (lines: provisioner.LogLine[]) => Promise<unknown>;
  readonly #flushMs: number;
  #waiting: provisioner.LogLine[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  #sequence = 0n;
  #stage = "";
  #relayedBytes = 0;
  #aheadBytes = 0;
  #caughtUp: Deferred | undefined;

  constructor(journal: Journal, flushMs: number, commit: (lines: provisioner.LogLine[]) => Promise<unknown>) {
    this.#journal = journal;
    this.#flushMs = flushMs;
    this.#commit = commit;
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

  /** Something Terraform said, and how far its output is numbered with it. Resolves when there is room for more. */
  async relay(lines: readonly LogLine[], readTo?: number): Promise<void> {
    const source = provisioner.LogSource.PROVISIONER;
    if (this.#relayedBytes > LOG_BYTES) return;
    const numbered = lines.map(({ level, output }) => this.#number(source, level, output));
    this.#add(numbered, readTo);
    this.#relayedBytes += bytesOf(numbered);
    if (this.#relayedBytes > LOG_BYTES) this.say("warn", LOG_ENDS);
    while (this.#aheadBytes > AHEAD_BYTES) {
      this.#caughtUp ??= deferred();
      await this.#caughtUp.promise;
    }
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
      if (lines.length > 0) void this.#deliver(lines);
    });
    return this.#sending;
  }

  async #deliver(lines: provisioner.LogLine[]): Promise<void> {
    try {
      await this.#commit(lines);
      this.#journal.committed(lines.at(-1)?.sequence ?? 0n);
    } catch {
      // the line is over: they stay in the journal, to be handed in
    }
    this.#aheadBytes -= bytesOf(lines);
    this.#caughtUp?.resolve();
    this.#caughtUp = undefined;
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
    this.#aheadBytes += bytesOf(lines);
    if (this.#waiting.length >= BATCH_LINES) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), this.#flushMs);
  }
}

/** Roughly what they take, here and on the wire. */
export function bytesOf(lines: readonly provisioner.LogLine[]): number {
  return lines.reduce((sum, { output }) => sum + output.length + 64, 0);
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
