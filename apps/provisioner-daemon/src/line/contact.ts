import type { RoundTrip } from "@berth/std";
import type { Periods } from "../periods.ts";

/** Which contact was lost. */
export type Lost = "silence" | "uncommitted";

/**
 * Judges, over all replicas, whether the control plane can still hear this build. It says so once. A tick that comes late
 * is not believed by itself: after a pause of this process the answers lie unread.
 */
export class Contact implements Disposable {
  readonly #periods: Periods;
  readonly #roundTrip: RoundTrip;
  readonly #timer: NodeJS.Timeout;
  #aliveAt = performance.now();
  #committedAt = performance.now();
  #suspected = 0;

  constructor(periods: Periods, roundTrip: RoundTrip, onLost: (lost: Lost) => void) {
    this.#periods = periods;
    this.#roundTrip = roundTrip;
    this.#timer = setInterval(() => {
      const lost = this.#judge();
      this.#suspected = lost === undefined ? 0 : this.#suspected + 1;
      if (lost === undefined || this.#suspected < 3) return;
      this[Symbol.dispose]();
      onLost(lost);
    }, periods.silenceMs / 40);
  }

  /** A replica has answered; `committed` when its database had, too. */
  heard(committed: boolean): void {
    this.#aliveAt = performance.now();
    if (committed) this.#committedAt = this.#aliveAt;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #judge(): Lost | undefined {
    const now = performance.now();
    if (now - this.#aliveAt > this.#roundTrip.patienceMs(this.#periods.silenceMs)) return "silence";
    return now - this.#committedAt > this.#periods.uncommittedMs ? "uncommitted" : undefined;
  }
}
