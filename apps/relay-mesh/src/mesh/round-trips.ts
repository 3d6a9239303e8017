/** Round trips of the last minute, one a second. */
const KEPT = 60;

/** Median and worst of the last minute. */
export class RoundTripWindow {
  readonly #lastMs: number[] = [];

  add(ms: number): void {
    this.#lastMs.push(ms);
    if (this.#lastMs.length > KEPT) this.#lastMs.shift();
  }

  measures(): { medianMs: number; worstMs: number } | undefined {
    const sorted = this.#lastMs.toSorted((a, b) => a - b);
    const worstMs = sorted.at(-1);
    const medianMs = sorted[sorted.length >> 1];
    return worstMs === undefined || medianMs === undefined ? undefined : { medianMs, worstMs };
  }
}
