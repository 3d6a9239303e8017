/** Delays in milliseconds; `heldMs` is how long a connection must have lived until the delay starts anew. */
export interface BackoffOptions {
  readonly firstMs?: number;
  readonly maxMs?: number;
  readonly heldMs?: number;
  /** For tests: a number in [0, 1). */
  readonly random?: () => number;
  /** For tests: a monotonic clock in milliseconds. */
  readonly now?: () => number;
}

/** Full-jitter exponential delays. They start anew only after a connection has held, or an accept-and-drop peer is hammered. */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #heldMs: number;
  readonly #random: () => number;
  readonly #now: () => number;
  #attempt = 0;
  #connectedAt: number | undefined;

  constructor(options: BackoffOptions = {}) {
    this.#firstMs = options.firstMs ?? 50;
    this.#maxMs = options.maxMs ?? 10_000;
    this.#heldMs = options.heldMs ?? 5_000;
    this.#random = options.random ?? Math.random;
    this.#now = options.now ?? (() => performance.now());
  }

  /** To be called when a connection is up. */
  connected(): void {
    this.#connectedAt = this.#now();
  }

  /** The next delay in milliseconds, between half of the step and the whole of it. */
  nextMs(): number {
    if (this.#connectedAt !== undefined && this.#now() - this.#connectedAt >= this.#heldMs) this.#attempt = 0;
    this.#connectedAt = undefined;
    const step = Math.min(this.#maxMs, this.#firstMs * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return step / 2 + (this.#random() * step) / 2;
  }
}
