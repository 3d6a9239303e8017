const WEIGHT = 1 / 8;
/** A link of some seconds must not look dead before its first answer. */
const UNKNOWN_MS = 3_000;

/** How long a remote takes to answer, smoothed as TCP does it (RFC 6298), and what that adds to a judgement of its silence. */
export class RoundTrip {
  readonly #assumedMs: number;
  #smoothedMs: number | undefined;

  /** `assumedMs` stands for what was not measured yet. */
  constructor(assumedMs = UNKNOWN_MS) {
    this.#assumedMs = assumedMs;
  }

  /** Undefined before the first measurement. */
  get smoothedMs(): number | undefined {
    return this.#smoothedMs;
  }

  /** Takes one measured round trip. */
  measured(ms: number): void {
    this.#smoothedMs =
      this.#smoothedMs === undefined ? ms : this.#smoothedMs + WEIGHT * (ms - this.#smoothedMs);
  }

  /** How long the remote may be silent where `ms` would do without a way between: slow links are slow and not dead. */
  patienceMs(ms: number, trips = 3): number {
    return ms + trips * (this.#smoothedMs ?? this.#assumedMs);
  }
}
