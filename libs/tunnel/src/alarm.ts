import { LONGEST_TIMER_MS } from "@berth/std";

/** One timer for whatever is due next. It is set often and goes off seldom: a later time costs nothing. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at = Infinity;
  #wanted = Infinity;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings at that time of `performance.now()`, instead of whatever was set before. */
  set(at: number): void {
    this.#wanted = at;
    if (at >= this.#at) return;
    this.#start(at);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Infinity;
    this.#wanted = Infinity;
  }

  #start(at: number): void {
    clearTimeout(this.#timer);
    this.#at = at;
    const delayMs = Math.min(Math.max(0, at - performance.now()), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#wake(), delayMs);
  }

  #wake(): void {
    this.#at = Infinity;
    this.#timer = undefined;
    if (this.#wanted === Infinity) return;
    // Timers may go off a little early; and what was set since may be later.
    if (this.#wanted - performance.now() > 1) return this.#start(this.#wanted);
    this.#wanted = Infinity;
    this.#ring();
  }
}
