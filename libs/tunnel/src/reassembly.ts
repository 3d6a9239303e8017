import { CodedError } from "@berth/std";

interface Piece {
  readonly offset: number;
  readonly data: Buffer;
}

/** A small slice of a big packet is copied, or it would keep the whole packet in memory until it is read. */
const COPY_BELOW_BYTES = 2048;

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

  /** @throws CodedError when the peer contradicts itself about where the stream ends. */
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
  }
}

function cut(piece: Piece, from: number, to: number): Piece {
  const data = piece.data.subarray(from - piece.offset, to - piece.offset);
  const isSmallPart = data.length < COPY_BELOW_BYTES && data.buffer.byteLength > 4 * data.length;
  return { offset: from, data: isSmallPart ? Buffer.from(data) : data };
}

function contradiction(): CodedError {
  return new CodedError("invalid_argument", "reading a stream: its peer contradicts itself about its end");
}
