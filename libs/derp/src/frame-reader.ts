import { Frame, HEADER_BYTES, KEY_BYTES, type Layout, MAX_SERVER_FRAME_BYTES } from "./frames.ts";
import { DerpProtocolError } from "./protocol-error.ts";

/** Which end reads: a relay reads what clients send, a client what relays send, a mesh link what siblings forward. */
export type ReadingEnd = "relay" | "client" | "mesh";

/**
 * Hears one whole frame: its header begins at `start`, it ends before `end`. `buffer` is the received chunk itself, or a
 * buffer of its own when the frame spanned chunks; the reader never touches it again.
 */
export type FrameListener = (type: number, buffer: Buffer, start: number, end: number) => void;

/** A piece of a frame: what of a received chunk belongs to it. */
export interface FramePart {
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * Hears one long frame that spanned chunks, in parts that together are the whole frame. The first holds the header and both
 * keys at least. Who does not want this hears the frame whole, at the cost of a copy.
 */
export type SplitFrameListener = (type: number, parts: readonly FramePart[]) => void;

/** Frames from this size on may be split; shorter ones are cheaper to copy. */
const SPLIT_FROM_BYTES = 8 * 1024;

/** What a first part must hold. */
const FIRST_PART_BYTES = HEADER_BYTES + 2 * KEY_BYTES;

/** What may be read at each end, and the longest unknown frame that is skipped there. */
const vocabularies: Record<ReadingEnd, { senders: readonly Layout["from"][]; maxUnknownBytes: number }> = {
  relay: { senders: ["client", "both", "mesh"], maxUnknownBytes: 0xffff_ffff },
  client: { senders: ["server", "both"], maxUnknownBytes: MAX_SERVER_FRAME_BYTES },
  mesh: { senders: ["mesh"], maxUnknownBytes: 0 },
};

/** Lowest and highest payload length by type byte; -1 where the type is unknown at this end. */
interface Bounds {
  readonly min: Int32Array;
  readonly max: Int32Array;
  readonly maxUnknownBytes: number;
}

function boundsOf(end: ReadingEnd): Bounds {
  const bounds = {
    min: new Int32Array(256).fill(-1),
    max: new Int32Array(256).fill(-1),
    maxUnknownBytes: vocabularies[end].maxUnknownBytes,
  };
  for (const layout of Object.values<Layout>(Frame)) {
    if (!vocabularies[end].senders.includes(layout.from)) continue;
    bounds.min[layout.code] = layout.minBytes;
    bounds.max[layout.code] = layout.maxBytes;
  }
  return bounds;
}

const boundsByEnd: Record<ReadingEnd, Bounds> = {
  relay: boundsOf("relay"),
  client: boundsOf("client"),
  mesh: boundsOf("mesh"),
};

/**
 * Cuts received chunks into frames without copying them; only a frame that spans chunks is gathered into a buffer of its own.
 * Invariants
 *   F1  At most one of `#skip`, `#header`, `#frame`, `#parts` is in use: between chunks the stream stands inside an unknown
 *       frame, inside a header, inside a known frame (gathered or in parts), or between two frames.
 *   F2  Lengths are judged before anything is allocated, so a peer costs at most one frame of its type's limit.
 *   F3  After a throw the reader is broken: the connection must be closed.
 */
export class FrameReader {
  readonly #bounds: Bounds;
  readonly #hear: FrameListener;
  readonly #hearSplit: SplitFrameListener | undefined;
  readonly #header = Buffer.allocUnsafeSlow(HEADER_BYTES);
  #headerBytes = 0;
  #skip = 0;
  #frame: Buffer | undefined;
  #frameBytes = 0;
  #parts: FramePart[] | undefined;
  #missingBytes = 0;

  constructor(end: ReadingEnd, hear: FrameListener, hearSplit?: SplitFrameListener) {
    this.#bounds = boundsByEnd[end];
    this.#hear = hear;
    this.#hearSplit = hearSplit;
  }

  /** Whether the stream stands between two frames. */
  get isBetweenFrames(): boolean {
    return (
      this.#skip === 0 && this.#headerBytes === 0 && this.#frame === undefined && this.#parts === undefined
    );
  }

  /**
   * Reads the next chunk of the stream and calls back for each frame that it completes, in order.
   * @throws DerpProtocolError when a frame's length is not allowed for its type.
   */
  read(chunk: Buffer): void {
    let at = this.isBetweenFrames ? 0 : this.#resume(chunk);
    while (chunk.length - at >= HEADER_BYTES) {
      const type = chunk[at] ?? 0;
      const length = this.#judged(type, chunk.readUInt32BE(at + 1));
      const end = at + HEADER_BYTES + length;
      if (end > chunk.length) {
        this.#begin(type, length, chunk, at);
        return;
      }
      if (this.#isKnown(type)) this.#hear(type, chunk, at, end);
      at = end;
    }
    if (at < chunk.length) {
      chunk.copy(this.#header, 0, at);
      this.#headerBytes = chunk.length - at;
    }
  }

  /** Goes on with what the last chunk left unfinished; answers where whole frames begin. */
  #resume(chunk: Buffer): number {
    let at = 0;
    if (this.#headerBytes > 0) {
      at = chunk.copy(this.#header, this.#headerBytes, 0, HEADER_BYTES - this.#headerBytes);
      this.#headerBytes += at;
      if (this.#headerBytes < HEADER_BYTES) return at;
      this.#headerBytes = 0;
      const type = this.#header[0] ?? 0;
      this.#begin(type, this.#judged(type, this.#header.readUInt32BE(1)), this.#header, 0);
    }
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, chunk.length - at);
      this.#skip -= skipped;
      return at + skipped;
    }
    if (this.#parts !== undefined) return this.#collect(this.#parts, chunk, at);
    return this.#frame === undefined ? at : this.#gather(this.#frame, chunk, at);
  }

  /** Starts a frame whose end has not arrived; `from[at]` is its header. */
  #begin(type: number, length: number, from: Buffer, at: number): void {
    if (!this.#isKnown(type)) {
      this.#skip = length - (from.length - at - HEADER_BYTES);
      return;
    }
    const hereBytes = from.length - at;
    if (this.#hearSplit !== undefined && length >= SPLIT_FROM_BYTES && hereBytes >= FIRST_PART_BYTES) {
      this.#parts = [{ chunk: from, start: at, end: from.length }];
      this.#missingBytes = HEADER_BYTES + length - hereBytes;
      return;
    }
    this.#frame = Buffer.allocUnsafeSlow(HEADER_BYTES + length);
    this.#frameBytes = from.copy(this.#frame, 0, at);
  }

  #gather(frame: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(frame, this.#frameBytes, at);
    this.#frameBytes += copied;
    if (this.#frameBytes === frame.length) {
      this.#frame = undefined;
      this.#hear(frame[0] ?? 0, frame, 0, frame.length);
    }
    return at + copied;
  }

  #collect(parts: FramePart[], chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missingBytes);
    if (end > at) parts.push({ chunk, start: at, end });
    this.#missingBytes -= end - at;
    if (this.#missingBytes === 0) {
      this.#parts = undefined;
      this.#hearSplit?.(parts[0]?.chunk[parts[0].start] ?? 0, parts);
    }
    return end;
  }

  #isKnown(type: number): boolean {
    return (this.#bounds.max[type] ?? -1) >= 0;
  }

  /** The length, if the type may have it (F2). */
  #judged(type: number, length: number): number {
    const max = this.#bounds.max[type] ?? -1;
    if (max < 0) {
      if (length > this.#bounds.maxUnknownBytes) throw new DerpProtocolError(refusal(type, length));
      return length;
    }
    if (length > max || length < (this.#bounds.min[type] ?? 0))
      throw new DerpProtocolError(refusal(type, length));
    return length;
  }
}

function refusal(type: number, length: number): string {
  const known = Object.entries<Layout>(Frame).find(([, layout]) => layout.code === type);
  const name = known?.[0] ?? "unknown";
  return `frame 0x${type.toString(16).padStart(2, "0")} (${name}) with ${length} bytes of payload is refused`;
}
