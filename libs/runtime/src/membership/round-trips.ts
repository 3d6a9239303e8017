/** What the last minute of pings to one peer showed. */
export interface RoundTripSummary {
  readonly medianMs: number | undefined;
  readonly worstMs: number | undefined;
  readonly samples: number;
  /** The last three pings all failed. */
  readonly unreachable: boolean;
}

const WINDOW_MS = 60_000;
const FAILURES = 3;

/** Round trips to one peer over the last minute. */
export class RoundTrips {
  readonly #samples: { readonly ms: number; readonly atMs: number }[] = [];
  #failures = 0;
  #heardAtMs = -Infinity;

  answered(ms: number, nowMs: number): void {
    this.reached(nowMs);
    this.#samples.push({ ms, atMs: nowMs });
  }

  /** An answer that says that it is there, but not how far: its connection had to be made first. */
  reached(nowMs: number): void {
    this.#failures = 0;
    this.#heardAtMs = nowMs;
  }

  failed(): void {
    this.#failures += 1;
  }

  /** When it last answered. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  summary(nowMs: number): RoundTripSummary {
    while ((this.#samples[0]?.atMs ?? Infinity) < nowMs - WINDOW_MS) this.#samples.shift();
    const sorted = this.#samples.map(({ ms }) => ms).toSorted((a, b) => a - b);
    return {
      medianMs: sorted[Math.floor(sorted.length / 2)],
      worstMs: sorted.at(-1),
      samples: sorted.length,
      unreachable: this.#failures >= FAILURES,
    };
  }
}
