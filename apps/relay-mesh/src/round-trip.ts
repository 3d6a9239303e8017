/** Assumed until a first answer: a link of some seconds must not look dead. */
const UNKNOWN_MS = 3_000;

/** A smoothed round trip (RFC 6298's weights), and what it allows to a judgement of silence. */
export class RoundTrip {
  #smoothedMs: number | undefined;
  readonly #assumedMs: number;

  constructor(assumedMs = UNKNOWN_MS) {
    this.#assumedMs = assumedMs;
  }

  get smoothedMs(): number | undefined {
    return this.#smoothedMs;
  }

  measured(ms: number): void {
    this.#smoothedMs = this.#smoothedMs === undefined ? ms : this.#smoothedMs * 0.875 + ms * 0.125;
  }

  /** How long a remote may be silent: slow links are slow and not dead. */
  patienceMs(ms: number): number {
    return ms + 3 * (this.#smoothedMs ?? this.#assumedMs);
  }
}
