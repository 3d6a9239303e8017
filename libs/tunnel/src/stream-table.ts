import { CodedError, type ErrorCode } from "@berth/std";
import type { Outbox } from "./outbox.ts";
import type { PacketBuilder } from "./packet-builder.ts";
import { SendSchedule } from "./send-schedule.ts";
import { SessionStream, STREAM_CREDIT_BYTES, type StreamFault, type StreamHost } from "./session-stream.ts";
import { decodeTarget, encodeTarget } from "./stream-target.ts";
import type { StreamTarget } from "./types.ts";
import { STREAM_FRAME_BYTES, writeStreamHead, type Frame, type StreamFrame } from "./wire.ts";

/** What all streams together may send before the peer has said more: eight streams that nobody reads stop no other. */
export const SESSION_CREDIT_BYTES = 32 * 1024 * 1024;
/** Credit is told anew when less than this share of it is left: seldom, and yet before a far sender runs out of it. */
const TELL_AT = 0.75;
/** Streams of both sides that may be open; each side opens at most half as many. */
const MAX_STREAMS = 2048;

/** What the table needs of its session. */
export interface StreamTableOptions {
  readonly outbox: Outbox;
  readonly isDialer: boolean;
  readonly wake: () => void;
  /** A stream of the peer whose target is known. @throws CodedError to refuse it. */
  readonly accept: (stream: SessionStream) => void;
}

/**
 * The streams of a session and their credit.
 * Invariants
 *   C1  The peer never sends beyond what it was granted, per stream and in all: one byte more ends the session.
 *   C2  Every byte that counts against credit is given back once: when it is read, or when nobody will read it. A stream
 *       that was aborted is therefore remembered until its peer has said where it ended.
 */
export class StreamTable implements StreamHost {
  readonly #options: StreamTableOptions;
  readonly #streams = new Map<number, SessionStream>();
  readonly #unnamed = new Map<SessionStream, Buffer>();
  readonly #schedule = new SendSchedule<SessionStream>();
  #nextId: number;
  #nextPeerId: number;
  #sent = 0;
  #credit = SESSION_CREDIT_BYTES;
  #received = 0;
  #consumed = 0;
  #granted = SESSION_CREDIT_BYTES;

  constructor(options: StreamTableOptions) {
    this.#options = options;
    this.#nextId = options.isDialer ? 0 : 1;
    this.#nextPeerId = 1 - this.#nextId;
  }

  /** Streams that are not forgotten yet. */
  get count(): number {
    return this.#streams.size;
  }

  /** @throws CodedError when the target is too long or too many streams are open. */
  open(target: StreamTarget): SessionStream {
    const preamble = encodeTarget(target);
    if (this.#streams.size >= MAX_STREAMS / 2)
      throw new CodedError("resource_exhausted", `opening a stream: ${this.#streams.size} are open`);
    const stream = new SessionStream(this.#nextId, this, target);
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    stream.outgoing.write(preamble);
    this.wake(stream);
    return stream;
  }

  /** Ends all streams; nobody is told. */
  close(error: CodedError): void {
    for (const stream of [...this.#streams.values()]) stream.abort(error);
    this.#streams.clear();
  }

  /** @throws CodedError when the peer breaks the rules: the session must end. */
  hear(frame: Frame): void {
    switch (frame.type) {
      case "stream":
        return this.#hearBytes(frame);
      case "maxData":
        this.#credit = Math.max(this.#credit, frame.bytes);
        for (const stream of this.#streams.values()) this.wake(stream);
        return;
      case "maxStreamData": {
        const stream = this.#find(frame.stream);
        stream?.outgoing.raiseCredit(frame.bytes);
        if (stream !== undefined) this.wake(stream);
        return;
      }
      case "reset":
        return this.#hearReset(frame);
      case "stop": {
        const stream = this.#find(frame.stream);
        if (stream !== undefined && !stream.outgoing.isDone)
          stream.destroy(aborted(frame.code, frame.reason));
        return;
      }
      default:
        return;
    }
  }

  /** Fills a packet with the bytes of whoever's turn it is. */
  fill(builder: PacketBuilder, onlyUrgent: boolean): void {
    while (builder.room > STREAM_FRAME_BYTES) {
      const stream = this.#schedule.next(onlyUrgent);
      if (stream === undefined) return;
      const before = stream.outgoing.sentBytes;
      const part = stream.outgoing.take(builder.room - STREAM_FRAME_BYTES, this.sendCredit());
      if (part === undefined) return;
      const at = builder.length;
      const head = { stream: stream.id, offset: part.offset, isLast: part.isLast };
      const end = writeStreamHead(builder.buffer, at, head, part.length);
      stream.outgoing.copy(part, builder.buffer, at + STREAM_FRAME_BYTES);
      builder.extendTo(end, true, stream.deliveryOf(part));
      this.#sent += stream.outgoing.sentBytes - before;
      this.#schedule.served(stream, part.length);
      stream.sent();
    }
  }

  wake(stream: SessionStream): void {
    this.#schedule.wake(stream, performance.now());
    this.#options.wake();
  }

  sendCredit(): number {
    return this.#credit - this.#sent;
  }

  consumed(stream: SessionStream, bytes: number): void {
    this.#consumed += bytes;
    if (this.#granted - this.#consumed < SESSION_CREDIT_BYTES * TELL_AT) {
      this.#granted = this.#consumed + SESSION_CREDIT_BYTES;
      this.#options.outbox.put("credit", { type: "maxData", bytes: this.#granted });
      this.#options.wake();
    }
    const taken = stream.incoming.takenBytes;
    if (stream.destroyed || stream.incoming.isFinal) return;
    if (stream.grantedBytes - taken >= STREAM_CREDIT_BYTES * TELL_AT) return;
    stream.grantedBytes = taken + STREAM_CREDIT_BYTES;
    const frame = { type: "maxStreamData", stream: stream.id, bytes: stream.grantedBytes } as const;
    this.#options.outbox.put(`credit ${stream.id}`, frame);
    this.#options.wake();
  }

  aborted(stream: SessionStream, fault: StreamFault, tell: { reset: boolean; stop: boolean }): void {
    const { outbox } = this.#options;
    const { id } = stream;
    if (tell.reset)
      outbox.put(`reset ${id}`, {
        type: "reset",
        stream: id,
        finalOffset: stream.outgoing.sentBytes,
        ...fault,
      });
    if (tell.stop) outbox.put(`stop ${id}`, { type: "stop", stream: id, ...fault });
    this.#schedule.remove(stream);
    this.#unnamed.delete(stream);
    this.#options.wake();
  }

  settled(stream: SessionStream): void {
    if (stream.isSettled) this.#streams.delete(stream.id);
  }

  #hearBytes(frame: StreamFrame): void {
    const stream = this.#find(frame.stream);
    if (stream === undefined) return; // long over
    this.#take(stream, () => stream.incoming.insert(frame.offset, frame.data, frame.isLast));
    if (this.#unnamed.has(stream)) this.#name(stream);
    if (!stream.destroyed) stream.deliver();
  }

  #hearReset(frame: Extract<Frame, { type: "reset" }>): void {
    const stream = this.#find(frame.stream);
    if (stream === undefined) return;
    const wasDone = stream.incoming.isDone;
    this.#take(stream, () => stream.incoming.finish(frame.finalOffset));
    if (!wasDone && !stream.destroyed) stream.destroy(aborted(frame.code, frame.reason));
    this.settled(stream);
  }

  /** Counts what a change of a stream's highest offset takes of the credit: C1, C2. */
  #take(stream: SessionStream, change: () => void): void {
    const before = stream.incoming.highest;
    change();
    const fresh = stream.incoming.highest - before;
    this.#received += fresh;
    if (stream.incoming.highest > stream.grantedBytes || this.#received > this.#granted)
      throw new CodedError("resource_exhausted", "the peer has sent more than it was granted");
    if (!stream.destroyed) return;
    stream.incoming.clear();
    this.consumed(stream, fresh);
    this.settled(stream);
  }

  /** Reads the target of a stream that the peer has opened, and hands the stream over. */
  #name(stream: SessionStream): void {
    let bytes = this.#unnamed.get(stream) ?? Buffer.alloc(0);
    for (let data = stream.incoming.take(); data !== undefined; data = stream.incoming.take()) {
      this.consumed(stream, data.length);
      bytes = Buffer.concat([bytes, data]);
    }
    try {
      const decoded = decodeTarget(bytes);
      this.#unnamed.set(stream, bytes);
      if (decoded === undefined) return;
      this.#unnamed.delete(stream);
      stream.describe(decoded.target);
      if (decoded.end < bytes.length) stream.unshift(bytes.subarray(decoded.end));
      this.#options.accept(stream);
    } catch (refusal) {
      if (!(refusal instanceof CodedError)) throw refusal;
      stream.destroy(refusal);
    }
  }

  /** The stream of an id; one that the peer opens with it is made, and those before it whose first packet was lost. */
  #find(id: number): SessionStream | undefined {
    const isOurs = (id - this.#nextId) % 2 === 0;
    if (isOurs || id < this.#nextPeerId) return this.#streams.get(id);
    if ((id - this.#nextPeerId) / 2 + this.#streams.size >= MAX_STREAMS)
      throw new CodedError("resource_exhausted", "the peer opens too many streams");
    for (; this.#nextPeerId <= id; this.#nextPeerId += 2) {
      const stream = new SessionStream(this.#nextPeerId, this);
      this.#streams.set(stream.id, stream);
      this.#unnamed.set(stream, Buffer.alloc(0));
    }
    return this.#streams.get(id);
  }
}

const CODES: readonly string[] = [
  "cancelled",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] satisfies ErrorCode[];

function isErrorCode(code: string): code is ErrorCode {
  return CODES.includes(code);
}

/** The error that a stream ends with because its peer said so. */
function aborted(code: string, reason: string): CodedError {
  return new CodedError(
    isErrorCode(code) ? code : "aborted",
    reason === "" ? "the stream was aborted" : reason,
  );
}
