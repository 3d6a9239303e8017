import { CodedError } from "@berth/std";

interface Piece {
  readonly offset: number;
  readonly data: Buffer;
}

/** A slice of a packet so many times its size is copied, or it would keep the packet in memory until it is read. */
const COPY_OUT_OF = 4;
/** Small pieces that follow each other and wait to be read are joined: a byte that waits must not cost a hundred. */
const JOIN_BELOW_BYTES = 2 * 1024;
const JOINED_BYTES = 8 * 1024;
/** Pieces with gaps between them: more is no loss, but a peer that wants our memory. */
const MAX_PIECES = 16_384;

/** Puts a stream's bytes back in order, each exactly once, whatever was repeated or came late. */
export class Reassembly {
  /** Apart from each other, ascending, all beyond `#next`. */
  readonly #pieces: Piece[] = [];
  #next = 0;
  #highest = 0;
  #finalOffset: number | undefined;

  /** The highest offset heard of: what counts against credit. */
  get highest(): number {
    return this.#highest;
  }

  /** Bytes given out in order. */
  get takenBytes(): number {
    return this.#next;
  }

  /** Whether all bytes up to the stream's end have been taken. */
  get isDone(): boolean {
    return this.#finalOffset === this.#next;
  }

  /** Whether the stream's end is known. */
  get isFinal(): boolean {
    return this.#finalOffset !== undefined;
  }

  /** @throws CodedError when the peer contradicts itself about where the stream ends, or leaves too many gaps. */
  insert(offset: number, data: Buffer, isLast: boolean): void {
    const end = offset + data.length;
    if (isLast) this.finish(end);
    if (this.#finalOffset !== undefined && end > this.#finalOffset) throw contradiction();
    this.#highest = Math.max(this.#highest, end);
    if (end <= this.#next || data.length === 0) return;
    const skipped = Math.max(0, this.#next - offset);
    this.#place({ offset: offset + skipped, data: skipped === 0 ? data : data.subarray(skipped) });
  }

  /** The stream ends there. */
  finish(offset: number): void {
    if ((this.#finalOffset !== undefined && this.#finalOffset !== offset) || offset < this.#highest)
      throw contradiction();
    this.#finalOffset = offset;
    this.#highest = offset;
  }

  /** The next bytes in order, if they are there. */
  take(): Buffer | undefined {
    const first = this.#pieces[0];
    if (first?.offset !== this.#next) return undefined;
    this.#pieces.shift();
    this.#next += first.data.length;
    return first.data;
  }

  /** Puts back the end of what was taken. */
  untake(rest: Buffer): void {
    if (rest.length === 0) return;
    this.#next -= rest.length;
    this.#pieces.unshift({ offset: this.#next, data: rest });
  }

  clear(): void {
    this.#pieces.length = 0;
  }

  #place(piece: Piece): void {
    let at = this.#pieces.length;
    while (at > 0 && (this.#pieces[at - 1]?.offset ?? 0) > piece.offset) at -= 1;
    const before = this.#pieces[at - 1];
    const from = Math.max(piece.offset, before === undefined ? 0 : before.offset + before.data.length);
    const end = piece.offset + piece.data.length;
    if (at === this.#pieces.length && before !== undefined && this.#joined(before, piece, from, end)) return;
    const fresh: Piece[] = [];
    let gapFrom = from;
    let until = at;
    for (
      let next = this.#pieces[until];
      next !== undefined && next.offset < end;
      next = this.#pieces[++until]
    ) {
      if (next.offset > gapFrom) fresh.push(cut(piece, gapFrom, next.offset));
      fresh.push(next);
      gapFrom = next.offset + next.data.length;
    }
    if (gapFrom < end) fresh.push(cut(piece, gapFrom, end));
    this.#pieces.splice(at, until - at, ...fresh);
    if (this.#pieces.length > MAX_PIECES)
      throw new CodedError("resource_exhausted", "reading a stream: its peer leaves too many gaps");
  }

  /** Appends to the last piece what follows it directly, when both are small; answers whether it did. */
  #joined(last: Piece, piece: Piece, from: number, end: number): boolean {
    const bytes = end - last.offset;
    if (from !== last.offset + last.data.length || end - from >= JOIN_BELOW_BYTES || bytes > JOINED_BYTES)
      return false;
    const rest = piece.data.subarray(Math.max(0, from - piece.offset));
    this.#pieces[this.#pieces.length - 1] = { offset: last.offset, data: Buffer.concat([last.data, rest]) };
    return true;
  }
}

function cut(piece: Piece, from: number, to: number): Piece {
  const data = piece.data.subarray(from - piece.offset, to - piece.offset);
  const isSmallPart = data.buffer.byteLength > COPY_OUT_OF * data.length;
  return { offset: from, data: isSmallPart ? Buffer.from(data) : data };
}

function contradiction(): CodedError {
  return new CodedError("invalid_argument", "reading a stream: its peer contradicts itself about its end");
}
