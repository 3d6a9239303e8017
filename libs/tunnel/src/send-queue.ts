import type { Delivery } from "./in-flight.ts";
import { RangeSet } from "./range-set.ts";

const BLOCK_BYTES = 32 * 1024;
/** Freed blocks that are kept for what comes next. */
const MAX_SPARES = 16;

/** A part of a stream to be sent: `isLast` when the stream ends with it. */
export interface StreamPart {
  readonly offset: number;
  readonly length: number;
  readonly isLast: boolean;
}

/**
 * The bytes of a stream that its peer has not acknowledged, in blocks, so that many small writes cost no more than one.
 * Invariants
 *   Q1  base ≤ acknowledged prefix ≤ next ≤ end: what lies before the prefix is freed, block by block.
 *   Q2  Every byte between prefix and next is in flight, lost, or acknowledged; what is lost is sent again before what is new.
 */
export class SendQueue {
  readonly #blocks: Buffer[] = [];
  readonly #spares: Buffer[] = [];
  /** Offset of the first block's first byte. */
  #base = 0;
  #prefix = 0;
  #next = 0;
  #end = 0;
  #credit: number;
  readonly #acknowledged = new RangeSet();
  readonly #lost = new RangeSet();
  #fin: "open" | "waiting" | "inFlight" | "acknowledged" = "open";

  constructor(credit: number) {
    this.#credit = credit;
  }

  /** Bytes written and not yet sent once. */
  get unsentBytes(): number {
    return this.#end - this.#next;
  }

  /** Bytes sent once or more: what counts against credit. */
  get sentBytes(): number {
    return this.#next;
  }

  /** Whether every byte and the end have been acknowledged. */
  get isDone(): boolean {
    return this.#fin === "acknowledged" && this.#prefix === this.#end;
  }

  /** Whether there is something to send, given so much credit of the session. */
  isReady(sessionCredit: number): boolean {
    if (!this.#lost.isEmpty) return true;
    const unsent = this.unsentBytes;
    if (unsent > 0) return sessionCredit > 0 && this.#next < this.#credit;
    return this.#fin === "waiting";
  }

  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const inBlock = (this.#end - this.#base) % BLOCK_BYTES;
      const copied = bytes.copy(inBlock === 0 ? this.#addBlock() : this.#lastBlock(), inBlock, at);
      at += copied;
      this.#end += copied;
    }
  }

  /** No more will be written. */
  end(): void {
    if (this.#fin === "open") this.#fin = "waiting";
  }

  /** The peer takes that many bytes in all. */
  raiseCredit(bytes: number): void {
    this.#credit = Math.max(this.#credit, bytes);
  }

  /** Takes the next part to send: lost bytes first, then new ones. */
  take(maxBytes: number, sessionCredit: number): StreamPart | undefined {
    const lost = this.#lost.first;
    if (lost !== undefined) {
      const to = Math.min(lost.to, lost.from + maxBytes);
      const part = { offset: lost.from, length: to - lost.from };
      this.#lost.remove(lost.from, to);
      return this.#withEnd(part);
    }
    const length = Math.min(maxBytes, this.unsentBytes, sessionCredit, this.#credit - this.#next);
    if (length <= 0 && (this.#fin !== "waiting" || this.unsentBytes > 0)) return undefined;
    const part = { offset: this.#next, length: Math.max(0, length) };
    this.#next += part.length;
    return this.#withEnd(part);
  }

  /** Copies bytes that were taken. */
  copy(part: StreamPart, into: Buffer, at: number): void {
    let written = 0;
    while (written < part.length) {
      const offset = part.offset + written - this.#base;
      const block = this.#blocks[Math.floor(offset / BLOCK_BYTES)];
      if (block === undefined) throw new Error(`sending a stream: offset ${part.offset} was freed`);
      const from = offset % BLOCK_BYTES;
      written += block.copy(into, at + written, from, from + part.length - written);
    }
  }

  /** What to be told of a part that was sent; `changed` is called after each. */
  delivery(part: StreamPart, changed: () => void): Delivery {
    const { offset, length, isLast } = part;
    return {
      delivered: () => {
        if (isLast) this.#fin = "acknowledged";
        this.#deliver(offset, offset + length);
        changed();
      },
      lost: () => {
        if (isLast && this.#fin === "inFlight") this.#fin = "waiting";
        const from = Math.max(offset, this.#prefix);
        for (const gap of this.#acknowledged.missing(from, Math.max(from, offset + length)))
          this.#lost.add(gap.from, gap.to);
        changed();
      },
    };
  }

  /** Drops everything: the stream was reset. */
  clear(): void {
    this.#blocks.length = 0;
    this.#spares.length = 0;
    this.#lost.clear();
    this.#base = this.#prefix = this.#next = this.#end;
    this.#fin = "acknowledged";
  }

  #withEnd(part: { offset: number; length: number }): StreamPart {
    const isLast = this.#fin === "waiting" && part.offset + part.length === this.#end;
    if (isLast) this.#fin = "inFlight";
    return { ...part, isLast };
  }

  #deliver(from: number, to: number): void {
    this.#lost.remove(from, to);
    this.#acknowledged.add(Math.max(from, this.#prefix), to);
    const first = this.#acknowledged.first;
    if (first === undefined || first.from > this.#prefix) return;
    this.#prefix = first.to;
    this.#acknowledged.remove(first.from, first.to);
    while (this.#prefix - this.#base >= BLOCK_BYTES) {
      const freed = this.#blocks.shift();
      if (freed !== undefined && this.#spares.length < MAX_SPARES) this.#spares.push(freed);
      this.#base += BLOCK_BYTES;
    }
  }

  #addBlock(): Buffer {
    const block = this.#spares.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#blocks.push(block);
    return block;
  }

  #lastBlock(): Buffer {
    return this.#blocks.at(-1) ?? this.#addBlock();
  }
}
