import type { RoundTrip } from "@berth/std";
import type { Periods } from "../periods.ts";

/** Round trips that opening a connection and a stream on it may take, TLS included. */
const OPENING_TRIPS = 6;

/** What the beats of a stream need. */
export interface BeatOptions {
  readonly periods: Periods;
  readonly roundTrip: RoundTrip;
  readonly send: (sequence: bigint) => void;
  readonly giveUp: () => void;
}

/**
 * The beats of one stream, from when the peer has answered its first message. The peer must do that, and answer the first of
 * the beats that wait, within the re-dial period and what the way takes; otherwise the stream is given up, whatever TCP thinks
 * of it.
 */
export class Beats implements Disposable {
  readonly #options: BeatOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #openedAt = performance.now();
  readonly #sentAt = new Map<bigint, number>();
  #sequence = 0n;
  #sentLast: number | undefined;

  constructor(options: BeatOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), Math.max(10, options.periods.beatMs / 10));
  }

  /** The peer serves the stream. */
  begin(): void {
    if (this.#sentLast === undefined) this.#beat();
  }

  /** The peer has answered this beat, and all before it. */
  answered(sequence: bigint): void {
    const sentAt = this.#sentAt.get(sequence);
    if (sentAt !== undefined) this.#options.roundTrip.measured(performance.now() - sentAt);
    for (const each of this.#sentAt.keys()) if (each <= sequence) this.#sentAt.delete(each);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    if (this.#isSilent(now)) {
      this[Symbol.dispose]();
      return this.#options.giveUp();
    }
    if (this.#sentLast !== undefined && now - this.#sentLast >= this.#options.periods.beatMs) this.#beat();
  }

  #isSilent(now: number): boolean {
    const { periods, roundTrip } = this.#options;
    if (this.#sentLast === undefined)
      return now - this.#openedAt > roundTrip.patienceMs(periods.redialMs, OPENING_TRIPS);
    const [oldest] = this.#sentAt.values();
    return oldest !== undefined && now - oldest > roundTrip.patienceMs(periods.redialMs);
  }

  #beat(): void {
    this.#sequence += 1n;
    this.#sentLast = performance.now();
    this.#sentAt.set(this.#sequence, this.#sentLast);
    this.#options.send(this.#sequence);
  }
}
