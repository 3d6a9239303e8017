const KEPT = 10;

/** What the last probes of the database showed. */
export class Probes {
  readonly #now: () => number;
  #roundTrips: number[] = [];
  #answeringSince: number | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get reachable(): boolean {
    return this.#answeringSince !== undefined;
  }

  get answeringForMs(): number {
    return this.#answeringSince === undefined ? 0 : this.#now() - this.#answeringSince;
  }

  /** The median of the last ten. */
  get roundTripMs(): number | undefined {
    if (!this.reachable) return undefined;
    const sorted = this.#roundTrips.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  answered(roundTripMs: number): void {
    this.#roundTrips = [...this.#roundTrips.slice(1 - KEPT), roundTripMs];
    this.#answeringSince ??= this.#now();
  }

  failed(): void {
    this.#roundTrips = [];
    this.#answeringSince = undefined;
  }
}
