import type { PacketBuilder } from "./packet-builder.ts";
import { encodeFrame, type ControlFrame } from "./wire.ts";

interface Entry {
  readonly frame: Buffer;
  readonly isReliable: boolean;
}

/**
 * Control frames that wait for a packet. One key has one frame: a newer one takes the place of an older, waiting or lost, so
 * that credit is never told twice and never backwards.
 */
export class Outbox {
  readonly #waiting = new Map<string, Entry>();
  readonly #latest = new Map<string, Entry>();

  /** Frames that must arrive and have not yet. */
  get unacknowledged(): number {
    return this.#latest.size;
  }

  /** A frame that is sent again until it has arrived, or a newer one of its key. */
  put(key: string, frame: ControlFrame): void {
    const entry = { frame: encodeFrame(frame), isReliable: true };
    this.#latest.set(key, entry);
    this.#waiting.set(key, entry);
  }

  /** A frame that is sent once. */
  putOnce(key: string, frame: ControlFrame): void {
    this.#waiting.set(key, { frame: encodeFrame(frame), isReliable: false });
  }

  /** Moves what fits into a packet. */
  fill(builder: PacketBuilder): void {
    for (const [key, entry] of this.#waiting) {
      if (!builder.put(entry.frame, true, entry.isReliable ? this.#delivery(key, entry) : undefined)) return;
      this.#waiting.delete(key);
    }
  }

  #delivery(key: string, entry: Entry) {
    return {
      delivered: () => {
        if (this.#latest.get(key) === entry) this.#latest.delete(key);
      },
      lost: () => {
        if (this.#latest.get(key) === entry) this.#waiting.set(key, entry);
      },
    };
  }
}
