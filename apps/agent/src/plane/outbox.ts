import { deferred } from "@berth/std";
import { agent } from "@berth/contract";

// What must reach the control plane.
//   O1  Messages get rising numbers and leave in their order; each stays until it is acknowledged, and is sent again on the
//       next stream. An acknowledgement covers all before it.
//   O2  At most WINDOW messages are on their way: what a replica whose database is away must hold is bounded.
//   O3  Waiting log lines are bounded: the oldest go, and a line in their place says how many.

/** A message that must not be lost. */
export type NumberedMessage = Exclude<
  NonNullable<agent.ConnectRequest["message"]>,
  { readonly $case: "hello" | "beat" | "stats" }
>;

interface Entry {
  readonly sequence: bigint;
  readonly message: NumberedMessage;
  /** Of a batch of log lines. */
  readonly logBytes: number;
  /** How many lines were dropped for this notice; 0 for what is no notice. */
  readonly dropped: number;
}

const WINDOW = 32;
const MAX_LOG_BYTES = 4 * 1024 * 1024;
const LINE_BYTES = 64;

export class Outbox {
  readonly #maxLogBytes: number;
  #entries: Entry[] = [];
  #sequence = 0n;
  #logBytes = 0;
  /** The highest number that is on its way on the present stream. */
  #sent = 0n;
  #changed = deferred();

  constructor(maxLogBytes = MAX_LOG_BYTES) {
    this.#maxLogBytes = maxLogBytes;
  }

  /** How many wait for their acknowledgement. */
  get size(): number {
    return this.#entries.length;
  }

  /** Settles at the next addition, acknowledgement or `wake`. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  add(message: NumberedMessage): void {
    this.#sequence += 1n;
    const logBytes = logBytesOf(message);
    this.#entries.push({ sequence: this.#sequence, message, logBytes, dropped: 0 });
    this.#logBytes += logBytes;
    while (this.#logBytes > this.#maxLogBytes && this.#dropOldest());
    this.wake();
  }

  /** A new stream has begun: all that waits is sent on it. */
  restart(): void {
    this.#sent = 0n;
    this.wake();
  }

  /** The next to be sent, if there is one and it may go (O2). */
  take(): agent.ConnectRequest | undefined {
    const at = this.#entries.findIndex(({ sequence }) => sequence > this.#sent);
    const entry = this.#entries[at];
    if (entry === undefined || at >= WINDOW) return undefined;
    this.#sent = entry.sequence;
    return { sequence: entry.sequence, message: entry.message };
  }

  acknowledged(sequence: bigint): void {
    const kept = this.#entries.filter((entry) => entry.sequence > sequence);
    this.#entries = kept;
    this.#logBytes = kept.reduce((sum, { logBytes }) => sum + logBytes, 0);
    this.wake();
  }

  /** Settles when everything is acknowledged. */
  async empty(): Promise<void> {
    while (this.#entries.length > 0) await this.#changed.promise;
  }

  /** Whoever waits for a change looks again. */
  wake(): void {
    const changed = this.#changed;
    this.#changed = deferred();
    changed.resolve();
  }

  /** O3: puts a notice in the place of the oldest batch that is not on its way, together with a notice before it. */
  #dropOldest(): boolean {
    const at = this.#entries.findIndex(
      ({ sequence, dropped, message }) => sequence > this.#sent && dropped === 0 && message.$case === "logs",
    );
    const entry = this.#entries[at];
    if (entry?.message.$case !== "logs" || at === this.#entries.length - 1) return false;
    const before = this.#entries[at - 1];
    const merged = before !== undefined && before.dropped > 0 && before.sequence > this.#sent;
    const dropped = entry.message.value.lines.length + (merged ? before.dropped : 0);
    const notice = noticeOf(entry.message.value.logSourceId, dropped);
    this.#logBytes -= entry.logBytes;
    this.#entries.splice(merged ? at - 1 : at, merged ? 2 : 1, {
      sequence: entry.sequence,
      message: notice,
      logBytes: 0,
      dropped,
    });
    return true;
  }
}

function noticeOf(logSourceId: string, dropped: number): NumberedMessage {
  const output = `[${dropped} lines are missing here: the control plane was away for too long]`;
  const line = { createdAt: new Date(), level: agent.AgentLogLevel.WARN, output };
  return { $case: "logs", value: { logSourceId, lines: [line] } };
}

function logBytesOf(message: NumberedMessage): number {
  if (message.$case !== "logs") return 0;
  return message.value.lines.reduce((sum, { output }) => sum + output.length + LINE_BYTES, 0);
}
