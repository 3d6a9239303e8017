/** What a peer may wait before it acknowledges a single packet. */
export const MAX_ACK_DELAY_MS = 5;

const INITIAL_MS = 500;
const LEAST_DEVIATION_MS = 10;
/** The lowest round trip is forgotten after one to two of these, so that a route that became longer is believed. */
const MINIMUM_LASTS_MS = 30_000;

/** How long a path takes there and back: smoothed as RFC 6298 does, and at its lowest. Milliseconds. */
export class RoundTrip {
  #smoothedMs: number | undefined;
  #deviationMs = INITIAL_MS / 2;
  #minimumMs = Infinity;
  #lastMinimumMs = Infinity;
  #minimumSince = 0;

  get smoothedMs(): number {
    return this.#smoothedMs ?? INITIAL_MS;
  }

  get minimumMs(): number {
    return Math.min(this.#minimumMs, this.#lastMinimumMs, this.smoothedMs);
  }

  sample(ms: number, now: number): void {
    if (now - this.#minimumSince > MINIMUM_LASTS_MS) {
      this.#lastMinimumMs = this.#minimumMs;
      this.#minimumMs = Infinity;
      this.#minimumSince = now;
    }
    this.#minimumMs = Math.min(this.#minimumMs, ms);
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = ms;
      this.#deviationMs = ms / 2;
      return;
    }
    this.#deviationMs += (Math.abs(ms - this.#smoothedMs) - this.#deviationMs) / 4;
    this.#smoothedMs += (ms - this.#smoothedMs) / 8;
  }

  /** The path has changed: what was the lowest says nothing any more. */
  forgetMinimum(): void {
    this.#minimumMs = Infinity;
    this.#lastMinimumMs = Infinity;
  }

  /** After how long without an acknowledgement to ask for one, when that many probes went unanswered. */
  probeAfterMs(unanswered: number): number {
    const first =
      this.smoothedMs + Math.max(4 * this.#deviationMs, LEAST_DEVIATION_MS) + 2 * MAX_ACK_DELAY_MS;
    const latest = Math.max(first, 1000 + 3 * this.smoothedMs);
    return Math.min(first * 2 ** Math.min(unanswered, 16), latest);
  }
}
