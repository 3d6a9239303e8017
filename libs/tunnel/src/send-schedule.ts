/** Something with bytes to send. */
export interface Sender {
  /** Whether it could send now. */
  isReady(): boolean;
}

/** A sender that has sent little of late is urgent: so many bytes at once, and so many per second in the long run. */
const URGENT_BYTES = 16 * 1024;
const URGENT_BYTES_PER_MS = 64;

interface Place {
  list: "idle" | "urgent" | "bulk";
  /** What it may still send as urgent. */
  allowance: number;
  allowanceAt: number;
}

/**
 * Whose turn it is. Senders that send little go before all others, so that a keystroke never waits behind a copy; the others
 * take turns.
 */
export class SendSchedule<T extends Sender> {
  readonly #places = new Map<T, Place>();
  readonly #urgent: T[] = [];
  readonly #bulk: T[] = [];

  /** The sender may have something to send. */
  wake(sender: T, now: number): void {
    const place = this.#places.get(sender) ?? { list: "idle", allowance: URGENT_BYTES, allowanceAt: now };
    this.#places.set(sender, place);
    if (place.list !== "idle" || !sender.isReady()) return;
    place.allowance = Math.min(
      URGENT_BYTES,
      place.allowance + (now - place.allowanceAt) * URGENT_BYTES_PER_MS,
    );
    place.allowanceAt = now;
    place.list = place.allowance > 0 ? "urgent" : "bulk";
    (place.list === "urgent" ? this.#urgent : this.#bulk).push(sender);
  }

  /** Whose turn it is; it stays at the head until it is `served`. */
  next(onlyUrgent: boolean): T | undefined {
    return ready(this.#urgent, this.#places) ?? (onlyUrgent ? undefined : ready(this.#bulk, this.#places));
  }

  /** The sender at the head has sent so many bytes. */
  served(sender: T, bytes: number): void {
    const place = this.#places.get(sender);
    if (place === undefined || place.list === "idle") return;
    place.allowance = Math.max(-URGENT_BYTES, place.allowance - bytes);
    const wasUrgent = place.list === "urgent";
    if (wasUrgent && place.allowance > 0) return;
    (wasUrgent ? this.#urgent : this.#bulk).shift();
    place.list = "bulk";
    this.#bulk.push(sender);
  }

  remove(sender: T): void {
    this.#places.delete(sender);
    for (const list of [this.#urgent, this.#bulk]) {
      const at = list.indexOf(sender);
      if (at >= 0) list.splice(at, 1);
    }
  }
}

/** The first of a list that can send; those before it have become idle. */
function ready<T extends Sender>(list: T[], places: Map<T, Place>): T | undefined {
  for (let head = list[0]; head !== undefined; head = list[0]) {
    if (head.isReady()) return head;
    list.shift();
    const place = places.get(head);
    if (place !== undefined) place.list = "idle";
  }
  return undefined;
}
