/** The beat that proves a line alive: when each was sent and answered, and what follows from it. */
export class Beats {
  readonly #now: () => number;
  readonly #sentAt = new Map<bigint, number>();
  #sequence = 0n;
  #heardAt: number;
  #roundTripMs: number | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#heardAt = now();
  }

  /** Smoothed as TCP does it (RFC 6298); undefined before the first answer. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** The number of the beat that is to be sent now. */
  next(): bigint {
    this.#sequence += 1n;
    this.#sentAt.set(this.#sequence, this.#now());
    return this.#sequence;
  }

  /** Anything was heard. */
  heard(): void {
    this.#heardAt = this.#now();
  }

  /** A beat was answered: its round trip in milliseconds. */
  answered(sequence: bigint): number | undefined {
    const sentAt = this.#sentAt.get(sequence);
    if (sentAt === undefined) return undefined;
    for (const before of this.#sentAt.keys()) if (before <= sequence) this.#sentAt.delete(before);
    const sample = this.#now() - sentAt;
    this.#roundTripMs = this.#roundTripMs === undefined ? sample : this.#roundTripMs * 0.875 + sample * 0.125;
    return sample;
  }

  /** Whether the line has been silent for too long: slow links are slow, not dead. */
  isSilent(allowedMs: { readonly first: number; readonly later: number }): boolean {
    const silentMs = this.#now() - this.#heardAt;
    if (this.#roundTripMs === undefined) return silentMs > allowedMs.first;
    return silentMs > allowedMs.later + 3 * this.#roundTripMs;
  }
}
