import { type FramePart, HEADER_BYTES } from "@berth/derp";

/** Runs below this are copied together; longer ones are handed over as they lie (derp.md 6.2: `hybrid2`). */
const COPY_BELOW_BYTES = 4096;

const EMPTY = Buffer.alloc(0);

/**
 * Frames that wait, as runs: views of received chunks. A frame that follows the one before it in the same chunk makes that run
 * longer; a long frame that spanned chunks is several runs. The first run always begins with a whole frame.
 */
export class RunQueue {
  // Parallel arrays, not objects: one frame in a hundred nanoseconds leaves no time for allocation.
  #chunks: Buffer[] = [];
  #starts: number[] = [];
  #ends: number[] = [];
  /** Frames that begin in this run. */
  #begun: number[] = [];
  /** This run begins with the rest of the frame that the run before it ends with. */
  #continues: boolean[] = [];
  #compactedTo = 0;
  bytes = 0;
  frames = 0;

  /** Adds a whole frame. */
  add(chunk: Buffer, start: number, end: number): void {
    this.#append(chunk, start, end, 1);
    this.frames += 1;
  }

  /** Adds a whole frame that lies in several chunks. */
  addParts(parts: readonly FramePart[]): void {
    let begun = 1;
    for (const { chunk, start, end } of parts) {
      this.#append(chunk, start, end, begun);
      begun = 0;
    }
    this.frames += 1;
  }

  /** Takes out the oldest frames: whole ones, about `bytes` of them. */
  take(bytes: number): Buffer[] {
    const count = this.#chunks.length;
    if (this.bytes <= bytes) {
      const all = this.#coalesced(0, count).map((group) => group.chunk);
      this.clear();
      return all;
    }
    let taken = 0;
    let takenBytes = 0;
    let takenFrames = 0;
    while (taken < count && (takenBytes < bytes || this.#continues[taken] === true)) {
      takenBytes += this.#length(taken);
      takenFrames += this.#begun[taken] ?? 0;
      taken += 1;
    }
    const groups = this.#coalesced(0, taken);
    this.#remove(taken);
    this.bytes -= takenBytes;
    this.frames -= takenFrames;
    return groups.map((group) => group.chunk);
  }

  /** Drops the oldest frame; answers its bytes. */
  dropOldest(): number {
    const length = HEADER_BYTES + (this.#chunks[0] ?? EMPTY).readUInt32BE((this.#starts[0] ?? 0) + 1);
    this.#begun[0] = (this.#begun[0] ?? 0) - 1;
    let left = length;
    let emptied = 0;
    while (left > 0) {
      const part = Math.min(left, this.#length(emptied));
      this.#starts[emptied] = (this.#starts[emptied] ?? 0) + part;
      this.#continues[emptied] = false;
      left -= part;
      if (this.#length(emptied) === 0) emptied += 1;
    }
    if (emptied > 0) this.#remove(emptied);
    this.bytes -= length;
    this.frames -= 1;
    return length;
  }

  /** What waits lets go of the reads it came in: short runs are copied together. Cheap when nothing was added since. */
  compact(): void {
    const from = this.#compactedTo;
    if (this.#chunks.length - from < 2) return;
    const groups = this.#coalesced(from, this.#chunks.length);
    for (const array of [this.#chunks, this.#starts, this.#ends, this.#begun, this.#continues])
      array.length = from;
    for (const { chunk, begun, continues } of groups) {
      const kept = released(chunk);
      this.#push(kept, 0, kept.length, begun, continues);
    }
    this.#compactedTo = Math.max(0, this.#chunks.length - 1); // the last may still be joined by the next
  }

  clear(): void {
    this.#chunks = [];
    this.#starts = [];
    this.#ends = [];
    this.#begun = [];
    this.#continues = [];
    this.#compactedTo = 0;
    this.bytes = 0;
    this.frames = 0;
  }

  #append(chunk: Buffer, start: number, end: number, begun: number): void {
    this.bytes += end - start;
    const last = this.#chunks.length - 1;
    if (last < 0 || this.#ends[last] !== start || this.#chunks[last] !== chunk) {
      this.#push(chunk, start, end, begun, begun === 0);
      return;
    }
    this.#ends[last] = end;
    this.#begun[last] = (this.#begun[last] ?? 0) + begun;
  }

  #push(chunk: Buffer, start: number, end: number, begun: number, continues: boolean): void {
    this.#chunks.push(chunk);
    this.#starts.push(start);
    this.#ends.push(end);
    this.#begun.push(begun);
    this.#continues.push(continues);
  }

  #length(at: number): number {
    return (this.#ends[at] ?? 0) - (this.#starts[at] ?? 0);
  }

  #remove(count: number): void {
    for (const array of [this.#chunks, this.#starts, this.#ends, this.#begun, this.#continues])
      array.splice(0, count);
    this.#compactedTo = Math.max(0, this.#compactedTo - count);
  }

  /** Runs [from, to): neighbouring short ones copied together, long ones as they lie. */
  #coalesced(from: number, to: number): Group[] {
    const groups: Group[] = [];
    let at = from;
    while (at < to) {
      let end = at;
      let bytes = 0;
      while (end < to && this.#length(end) < COPY_BELOW_BYTES) {
        bytes += this.#length(end);
        end += 1;
      }
      const isAlone = end - at <= 1; // a long run, or a single short one
      groups.push(isAlone ? this.#alone(at) : this.#together(at, end, bytes));
      at = isAlone ? at + 1 : end;
    }
    return groups;
  }

  #alone(at: number): Group {
    const chunk = this.#chunks[at] ?? EMPTY;
    const start = this.#starts[at] ?? 0;
    const end = this.#ends[at] ?? 0;
    const view = start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
    return { chunk: view, begun: this.#begun[at] ?? 0, continues: this.#continues[at] ?? false };
  }

  #together(from: number, to: number, bytes: number): Group {
    const chunk = Buffer.allocUnsafe(bytes);
    let end = 0;
    let begun = 0;
    for (let at = from; at < to; at += 1) {
      end += (this.#chunks[at] ?? EMPTY).copy(chunk, end, this.#starts[at], this.#ends[at]);
      begun += this.#begun[at] ?? 0;
    }
    return { chunk, begun, continues: this.#continues[from] ?? false };
  }
}

interface Group {
  readonly chunk: Buffer;
  readonly begun: number;
  readonly continues: boolean;
}

/** A chunk that does not hold on to a read many times its size while it waits. */
function released(chunk: Buffer): Buffer {
  if (chunk.length * 2 >= chunk.buffer.byteLength) return chunk;
  const copy = Buffer.allocUnsafeSlow(chunk.length); // Buffer.from would lie in a pool of 64 KiB
  chunk.copy(copy);
  return copy;
}
