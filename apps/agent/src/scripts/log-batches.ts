import { agent } from "@berth/contract";
import type { NumberedMessage } from "../plane/outbox.ts";

const FLUSH_MS = 250;
const MAX_LINES = 200;
const MAX_BYTES = 64 * 1024;

export type LogLevel = "debug" | "info" | "warn" | "error";

const LEVELS = {
  debug: agent.AgentLogLevel.DEBUG,
  info: agent.AgentLogLevel.INFO,
  warn: agent.AgentLogLevel.WARN,
  error: agent.AgentLogLevel.ERROR,
} as const;

/** Gathers log lines for at most a quarter of a second, so that a noisy script is few messages and no line waits for long. */
export class LogBatches {
  readonly #send: (message: NumberedMessage) => void;
  #batch: { readonly source: string; readonly lines: agent.AgentLogLine[]; bytes: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (message: NumberedMessage) => void) {
    this.#send = send;
  }

  add(source: string, level: LogLevel, output: string): void {
    if (this.#batch !== undefined && this.#batch.source !== source) this.flush();
    this.#batch ??= { source, lines: [], bytes: 0 };
    this.#batch.lines.push({ createdAt: new Date(), level: LEVELS[level], output });
    this.#batch.bytes += output.length;
    if (this.#batch.lines.length >= MAX_LINES || this.#batch.bytes >= MAX_BYTES) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#batch;
    this.#batch = undefined;
    if (batch !== undefined)
      this.#send({ $case: "logs", value: { logSourceId: batch.source, lines: batch.lines } });
  }
}
