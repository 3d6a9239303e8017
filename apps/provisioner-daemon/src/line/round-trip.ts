const WEIGHT = 1 / 8;

/** How long an answer takes, smoothed as TCP does it. */
export class RoundTrip {
  #smoothedMs: number | undefined;

  /** Takes one measured round trip. */
  take(ms: number): void {
    this.#smoothedMs =
      this.#smoothedMs === undefined ? ms : this.#smoothedMs + WEIGHT * (ms - this.#smoothedMs);
  }

  /** What a threshold that judges a remote has added, so that a slow link is slow and not dead. */
  get allowanceMs(): number {
    return 3 * (this.#smoothedMs ?? 0);
  }
}
