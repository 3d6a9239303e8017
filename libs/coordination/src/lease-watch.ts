/** What a lease's row said when it was read. */
export interface SeenLease {
  readonly owner: string | null;
  readonly epoch: bigint;
  readonly nonce: string;
  readonly renewals: bigint;
}

/**
 * Decides when somebody else's lease may be taken over: when it was given back, or when its renewals stood still for one
 * full period of our own monotonic clock, during which we saw the database answer. A pause of ours begins the watch anew.
 */
export class LeaseWatch {
  readonly #periodMs: number;
  readonly #gapMs: number;
  #seen: { readonly lease: SeenLease; readonly sinceMs: number } | undefined;
  #lastMs = -Infinity;

  /** `gapMs` is the longest silence between two looks that still counts as watching. */
  constructor(periodMs: number, gapMs: number) {
    this.#periodMs = periodMs;
    this.#gapMs = gapMs;
  }

  /** Takes the row as just read; answers whether it may be taken over. */
  observe(lease: SeenLease, nowMs: number): boolean {
    const watched = nowMs - this.#lastMs <= this.#gapMs;
    this.#lastMs = nowMs;
    if (lease.owner === null) return true;
    if (!watched || this.#seen === undefined || !isSame(this.#seen.lease, lease)) {
      this.#seen = { lease, sinceMs: nowMs };
      return false;
    }
    return nowMs - this.#seen.sinceMs >= this.#periodMs;
  }
}

function isSame(a: SeenLease, b: SeenLease): boolean {
  return a.epoch === b.epoch && a.nonce === b.nonce && a.renewals === b.renewals;
}
