/** Something that must change to count as alive: a registry's beat, or who observes a replica. */
export interface Sign {
  readonly id: string;
  /** Changes with each sign of life. */
  readonly mark: string;
}

/**
 * Watches signs of life with our own monotonic clock. Only what we ourselves saw stand still for a full period, in looks
 * that were never further apart than the gap, is dead: a pause of ours, or of the database, begins every watch anew.
 */
export class BeatWatch {
  readonly #periodMs: number;
  readonly #gapMs: number;
  readonly #since = new Map<string, { readonly mark: string; readonly sinceMs: number }>();
  #lookedAtMs = -Infinity;

  constructor(periodMs: number, gapMs: number) {
    this.#periodMs = periodMs;
    this.#gapMs = gapMs;
  }

  /** Takes what was just read; answers the ids that stood still for a period. */
  observe(signs: readonly Sign[], nowMs: number): readonly string[] {
    if (nowMs - this.#lookedAtMs > this.#gapMs) this.#since.clear();
    this.#lookedAtMs = nowMs;
    const present = new Set(signs.map(({ id }) => id));
    for (const id of this.#since.keys()) if (!present.has(id)) this.#since.delete(id);
    return signs.filter((sign) => this.#stoodStill(sign, nowMs)).map(({ id }) => id);
  }

  #stoodStill({ id, mark }: Sign, nowMs: number): boolean {
    const seen = this.#since.get(id);
    if (seen?.mark === mark) return nowMs - seen.sinceMs >= this.#periodMs;
    this.#since.set(id, { mark, sinceMs: nowMs });
    return false;
  }
}
