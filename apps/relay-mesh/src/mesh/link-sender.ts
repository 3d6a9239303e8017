import { Frame, type FramePart, HEADER_BYTES, KEY_BYTES, writeForwardPacket, writeHeader } from "@berth/derp";
import { HEADROOM, type LinkDirection, encodeBatch } from "./link-wire.ts";

/** Where batches go: one side of a Link stream. */
export interface BatchSink {
  readonly direction: LinkDirection;
  send(batch: Buffer): boolean;
  writable(): Promise<void>;
}

/** A batch leaves at this size at the latest: larger ones gain nothing (derp.md section 6.4). */
const BATCH_BYTES = 64 * 1024;
/** Batches are cut from slabs of this size. */
const SLAB_BYTES = 256 * 1024;
/** What may wait for a sibling that takes nothing. */
const BACKLOG_BYTES = 4 * 1024 * 1024;

interface Batch {
  readonly slab: Buffer;
  readonly start: number;
  readonly end: number;
  readonly frames: number;
}

/**
 * Packets on their way to one sibling. They are copied as ForwardPacket frames into a batch that leaves at the end of the
 * event-loop turn or at 64 KiB. While the sibling takes nothing, a bounded backlog waits, the oldest dropped first (R2).
 */
export class LinkSender {
  readonly #dropped: (frames: number) => void;
  #slab = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #frames = 0;
  #scheduled = false;
  #backlog: Batch[] = [];
  #backlogBytes = 0;
  #sink: BatchSink | undefined;
  #blocked = false;

  constructor(dropped: (frames: number) => void) {
    this.#dropped = dropped;
  }

  get isAttached(): boolean {
    return this.#sink !== undefined;
  }

  /** Whole SendPacket frame of a local sender. */
  add(source: Buffer, frame: Buffer, start: number, end: number): void {
    this.#makeRoom(end - start + KEY_BYTES);
    this.#end = writeForwardPacket(this.#slab, this.#end, source, frame, start, end);
    this.#added();
  }

  /** The same of a frame that lies in several chunks. */
  addParts(source: Buffer, parts: readonly FramePart[]): void {
    const [first, ...rest] = parts;
    if (first === undefined) return;
    this.#makeRoom(parts.reduce((sum, { start, end }) => sum + end - start, KEY_BYTES));
    const at = this.#end;
    this.#end = writeForwardPacket(this.#slab, at, source, first.chunk, first.start, first.end);
    for (const { chunk, start, end } of rest) this.#end += chunk.copy(this.#slab, this.#end, start, end);
    writeHeader(this.#slab, at, Frame.forwardPacket.code, this.#end - at - HEADER_BYTES); // of the whole, not of the first part
    this.#added();
  }

  #added(): void {
    this.#frames += 1;
    if (this.#end - this.#start >= BATCH_BYTES) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
  }

  /** From now on batches go there; an earlier sink gets no more. */
  attach(sink: BatchSink): void {
    this.#sink = sink;
    this.#blocked = false;
    this.#pump();
  }

  /** The sink has ended: what waited for it is stale by the time of the next one. */
  detach(sink: BatchSink): void {
    if (this.#sink !== sink) return;
    this.#sink = undefined;
    this.clear();
  }

  /** Drops what waits. */
  clear(): void {
    const frames = this.#backlog.reduce((sum, batch) => sum + batch.frames, this.#frames);
    if (frames > 0) this.#dropped(frames);
    this.#backlog = [];
    this.#backlogBytes = 0;
    this.#frames = 0;
    this.#start = this.#end;
  }

  /** Where the slab is too short for a frame, the batch that is being filled ends, and perhaps the slab. */
  #makeRoom(needed: number): void {
    if (this.#end + needed <= this.#slab.length) return;
    this.#flush();
    if (this.#end + needed <= this.#slab.length) return;
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, HEADROOM + needed));
    this.#start = HEADROOM;
    this.#end = HEADROOM;
  }

  #flush(): void {
    if (this.#frames === 0) return;
    const batch = { slab: this.#slab, start: this.#start, end: this.#end, frames: this.#frames };
    this.#frames = 0;
    this.#start = Math.min(this.#end + HEADROOM, this.#slab.length);
    this.#end = this.#start;
    if (this.#sink !== undefined && !this.#blocked && this.#backlog.length === 0)
      this.#send(this.#sink, batch);
    else this.#keep(batch);
  }

  #send(sink: BatchSink, batch: Batch): void {
    if (sink.send(encodeBatch(sink.direction, batch.slab, batch.start, batch.end))) return;
    this.#blocked = true;
    void sink.writable().then(() => {
      if (this.#sink !== sink) return;
      this.#blocked = false;
      this.#pump();
    });
  }

  #keep(batch: Batch): void {
    this.#backlog.push(batch);
    this.#backlogBytes += batch.end - batch.start;
    let dropped = 0;
    while (this.#backlogBytes > BACKLOG_BYTES) {
      const oldest = this.#backlog.shift();
      if (oldest === undefined) break;
      this.#backlogBytes -= oldest.end - oldest.start;
      dropped += oldest.frames;
    }
    if (dropped > 0) this.#dropped(dropped);
  }

  #pump(): void {
    while (this.#sink !== undefined && !this.#blocked) {
      const oldest = this.#backlog.shift();
      if (oldest === undefined) return;
      this.#backlogBytes -= oldest.end - oldest.start;
      this.#send(this.#sink, oldest);
    }
  }
}
