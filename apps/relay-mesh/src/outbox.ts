import type { FramePart } from "@berth/derp";
import { RunQueue } from "./run-queue.ts";

/** Where an outbox writes: one write at a time, `written` is called when the transport has taken it all. */
export interface Transport {
  write(chunks: readonly Buffer[], written: () => void): void;
  /** Ends at once, whatever waits. */
  destroy(): void;
  /** Ends after what was written. */
  end(): void;
}

/** What all outboxes of a relay share: how much waits in them together. */
export interface Backlog {
  waitingBytes: number;
}

/** Always allowed to wait per destination. */
const BYTES_GRANTED = 2 * 1024 * 1024;
/** Allowed to wait per destination, whatever their size, while all destinations together are below `BACKLOG_BYTES`. */
const FRAMES_GRANTED = 512;
const BACKLOG_BYTES = 256 * 1024 * 1024;
/** Most bytes handed over in one write: what is in a write can no longer be dropped. */
const WRITE_BYTES = 256 * 1024;
/** Control frames that may wait for a destination that takes nothing. */
const CONTROL_FRAMES = 256;

/**
 * What waits for one destination. Everything that came by the end of a read leaves in one write. A destination that does not
 * keep up loses its own oldest frames (R2).
 */
export class Outbox {
  readonly #transport: Transport;
  readonly #backlog: Backlog;
  readonly #dropped: (frames: number, bytes: number) => void;
  readonly #written = (): void => this.#continue();
  readonly #packets = new RunQueue();
  #control: Buffer[] = [];
  #busy = false;
  #busySince = 0;
  #ended = false;
  #touched = false;
  /** What the packets here count for in the backlog: it is settled when they have waited, not for each frame. */
  #counted = 0;

  constructor(transport: Transport, backlog: Backlog, dropped: (frames: number, bytes: number) => void) {
    this.#transport = transport;
    this.#backlog = backlog;
    this.#dropped = dropped;
  }

  /** Since when the transport has not taken a write; undefined when none is pending. */
  get pendingSince(): number | undefined {
    return this.#busy ? this.#busySince : undefined;
  }

  get waitingBytes(): number {
    return this.#packets.bytes;
  }

  /**
   * Adds a whole frame, a view of a chunk that nobody else will write to. It leaves with the next `flush`; the answer is
   * whether this is the first frame since the last one.
   */
  add(chunk: Buffer, start: number, end: number): boolean {
    this.#packets.add(chunk, start, end);
    return this.#touch();
  }

  /** The same of a long frame that lies in several chunks. */
  addParts(parts: readonly FramePart[]): boolean {
    this.#packets.addParts(parts);
    return this.#touch();
  }

  /** Adds a control frame, which goes before all packets, and sends. */
  control(frame: Buffer): void {
    if (this.#ended) return;
    if (this.#control.length >= CONTROL_FRAMES) this.#control.shift();
    this.#control.push(frame);
    this.flush();
  }

  /** Sends what waits, in one write; or bounds it while an earlier write is pending. */
  flush(): void {
    this.#touched = false;
    if (this.#ended) return this.#discard();
    if (this.#busy) return this.#bound();
    const packets = this.#packets.take(WRITE_BYTES);
    const chunks = this.#control.length === 0 ? packets : [...this.#control, ...packets];
    if (chunks.length === 0) return;
    this.#control = [];
    this.#busy = true;
    this.#busySince = performance.now();
    if (this.#counted > 0) this.#count();
    this.#transport.write(chunks, this.#written);
  }

  /** Nothing is sent any more; what waits is dropped. */
  end(): void {
    this.#ended = true;
    this.#discard();
  }

  #touch(): boolean {
    const first = !this.#touched;
    this.#touched = true;
    return first;
  }

  #continue(): void {
    this.#busy = false;
    if (this.#packets.frames > 0 || this.#control.length > 0) this.flush();
  }

  /** While the transport is busy: what waits lets go of its reads, and the oldest frames go (R2). */
  #bound(): void {
    this.#count();
    if (this.#isOver()) this.#dropOldest();
    this.#packets.compact();
  }

  #count(): void {
    this.#backlog.waitingBytes += this.#packets.bytes - this.#counted;
    this.#counted = this.#packets.bytes;
  }

  #isOver(): boolean {
    const { bytes, frames } = this.#packets;
    return bytes > BYTES_GRANTED && (frames > FRAMES_GRANTED || this.#backlog.waitingBytes > BACKLOG_BYTES);
  }

  #dropOldest(): void {
    let frames = 0;
    let bytes = 0;
    while (this.#isOver()) {
      bytes += this.#packets.dropOldest();
      frames += 1;
    }
    this.#count();
    this.#dropped(frames, bytes);
  }

  #discard(): void {
    const { frames, bytes } = this.#packets;
    this.#packets.clear();
    this.#count();
    this.#control = [];
    if (frames > 0) this.#dropped(frames, bytes);
  }
}
