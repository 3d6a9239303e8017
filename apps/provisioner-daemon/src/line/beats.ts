import type { Periods } from "../periods.ts";
import type { RoundTrip } from "./round-trip.ts";

/**
 * The beats of one stream. The peer must answer the first of those that wait within the re-dial period and the allowance;
 * otherwise the stream is given up, whatever TCP thinks of it.
 */
export class Beats implements Disposable {
  readonly #periods: Periods;
  readonly #roundTrip: RoundTrip;
  readonly #giveUp: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #sentAt = new Map<bigint, number>();
  #sequence = 0n;
  #sentLast = 0;
  readonly #send: (sequence: bigint) => void;

  constructor(options: {
    periods: Periods;
    roundTrip: RoundTrip;
    send: (sequence: bigint) => void;
    giveUp: () => void;
  }) {
    this.#periods = options.periods;
    this.#roundTrip = options.roundTrip;
    this.#send = options.send;
    this.#giveUp = options.giveUp;
    this.#beat();
    this.#timer = setInterval(() => this.#tick(), Math.max(10, options.periods.beatMs / 10));
  }

  /** The peer has answered this beat, and all before it. */
  answered(sequence: bigint): void {
    const sentAt = this.#sentAt.get(sequence);
    if (sentAt !== undefined) this.#roundTrip.take(performance.now() - sentAt);
    for (const each of this.#sentAt.keys()) if (each <= sequence) this.#sentAt.delete(each);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    const [oldest] = this.#sentAt.values();
    if (oldest !== undefined && now - oldest > this.#periods.redialMs + this.#roundTrip.allowanceMs) {
      this[Symbol.dispose]();
      return this.#giveUp();
    }
    if (now - this.#sentLast >= this.#periods.beatMs) this.#beat();
  }

  #beat(): void {
    this.#sequence += 1n;
    this.#sentLast = performance.now();
    this.#sentAt.set(this.#sequence, this.#sentLast);
    this.#send(this.#sequence);
  }
}
