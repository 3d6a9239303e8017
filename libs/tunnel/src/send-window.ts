import type { RoundTrip } from "./round-trip.ts";

const INITIAL_BYTES = 128 * 1024;
const LEAST_BYTES = 64 * 1024;
const MOST_BYTES = 8 * 1024 * 1024;
const STEP_BYTES = 32 * 1024;
/**
 * What may stand in queues on the way: so much time, within these bytes. A busy machine looks like a queue, so less time would
 * starve it; a relay holds 2 MiB per destination.
 */
const QUEUED_MS = 100;
const LEAST_QUEUED_BYTES = 128 * 1024;
const MOST_QUEUED_BYTES = 1792 * 1024;
/** So often, and for two round trips but no longer than this, little is sent: or a queue that never empties would be taken for the way's length. */
const DRAIN_EVERY_MS = 25_000;
const DRAIN_MS = 500;

/**
 * How many bytes may be on their way. It grows until queues build up (round trips longer than the lowest say how much stands
 * in them), so that a keystroke waits behind little and a relay's queue does not overflow, and is halved on loss.
 */
export class SendWindow {
  #bytes = INITIAL_BYTES;
  /** Losses of packets sent before this were answered already. */
  #recoverySince = -Infinity;
  #drainedAt: number | undefined;
  #drainUntil = -Infinity;

  /** How many bytes may be on their way at that time. */
  bytesAt(now: number): number {
    return now < this.#drainUntil ? LEAST_BYTES : this.#bytes;
  }

  /** Bytes have arrived; `wasFull`: more would have been sent had the window allowed it. */
  acknowledged(bytes: number, wasFull: boolean, roundTrip: RoundTrip, now: number): void {
    if (now < this.#drainUntil) return;
    const { smoothedMs, minimumMs } = roundTrip;
    this.#drainedAt ??= now;
    if (wasFull && now - this.#drainedAt > DRAIN_EVERY_MS) {
      this.#drainedAt = now;
      this.#drainUntil = now + Math.min(2 * smoothedMs, DRAIN_MS);
    }
    const queued = this.#bytes * (1 - minimumMs / smoothedMs);
    const allowed = Math.min(
      Math.max((this.#bytes / smoothedMs) * QUEUED_MS, LEAST_QUEUED_BYTES),
      MOST_QUEUED_BYTES,
    );
    if (queued > allowed) this.#bytes -= bytes / 8;
    else if (!wasFull) return;
    else if (queued < allowed / 2) this.#bytes += bytes;
    else this.#bytes += (STEP_BYTES * bytes) / this.#bytes;
    this.#bytes = Math.min(Math.max(this.#bytes, LEAST_BYTES), MOST_BYTES);
  }

  /** A packet sent at that time was lost: the window is halved, once for all that was on its way together. */
  lost(sentAt: number, now: number): void {
    if (sentAt <= this.#recoverySince) return;
    this.#recoverySince = now;
    this.#bytes = Math.max(LEAST_BYTES, this.#bytes / 2);
  }

  /** The path has changed: nothing is known of the new one. */
  restart(now: number): void {
    this.#recoverySince = now;
    this.#bytes = Math.max(INITIAL_BYTES, this.#bytes / 2);
  }
}
