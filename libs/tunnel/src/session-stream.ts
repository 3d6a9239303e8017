import { Duplex } from "node:stream";
import { CodedError, type ErrorCode } from "@berth/std";
import type { Delivery } from "./in-flight.ts";
import { Reassembly } from "./reassembly.ts";
import { SendQueue, type StreamPart } from "./send-queue.ts";
import type { StreamTarget } from "./types.ts";

/** What a stream may send before its peer has said more. */
export const STREAM_CREDIT_BYTES = 4 * 1024 * 1024;
/** A writer waits while more than this has not been sent once. */
const WRITE_AHEAD_BYTES = 256 * 1024;

/** How a stream ends before its time. */
export interface StreamFault {
  readonly code: ErrorCode;
  readonly reason: string;
}

/** What a stream needs of its session. */
export interface StreamHost {
  /** The stream may have something to send. */
  wake(stream: SessionStream): void;
  /** So many bytes were read, or will never be: the peer may send as many more. */
  consumed(stream: SessionStream, bytes: number): void;
  /** The stream ended before its time: tells the peer what it must know. */
  aborted(stream: SessionStream, fault: StreamFault, tell: { reset: boolean; stop: boolean }): void;
  /** Both directions may be over. */
  settled(stream: SessionStream): void;
  /** Credit of the whole session that is left. */
  sendCredit(): number;
}

/**
 * One stream of a session as a Node Duplex. `finish` means that the peer has acknowledged every byte. An abort ends both
 * directions, at both ends, with an error that names the cause.
 */
export class SessionStream extends Duplex {
  readonly id: number;
  readonly incoming = new Reassembly();
  readonly outgoing = new SendQueue(STREAM_CREDIT_BYTES);
  /** What the peer may send on this stream in all. */
  grantedBytes = STREAM_CREDIT_BYTES;
  readonly #host: StreamHost;
  #target: StreamTarget | undefined;
  #isReading = false;
  #hasEnded = false;
  #written: (() => void) | undefined;
  #finished: (() => void) | undefined;
  /** The peer or the session has ended it: there is nobody to tell. */
  #isToldOver = false;

  constructor(id: number, host: StreamHost, target?: StreamTarget) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256 * 1024, writableHighWaterMark: 64 * 1024 });
    this.id = id;
    this.#host = host;
    this.#target = target;
    this.on("error", () => undefined); // a peer's abort must not end a process that has not listened yet
  }

  /** What the stream is for. */
  get target(): StreamTarget {
    if (this.#target === undefined) throw new Error("reading a stream's target before it has come");
    return this.#target;
  }

  /** The target has come. */
  describe(target: StreamTarget): void {
    this.#target = target;
  }

  isReady(): boolean {
    return !this.destroyed && this.outgoing.isReady(this.#host.sendCredit());
  }

  /** Whether nothing more can happen on it: it may be forgotten. */
  get isSettled(): boolean {
    return this.destroyed && this.incoming.isFinal;
  }

  /** Bytes have been inserted: reads what is in order. */
  deliver(): void {
    while (this.#isReading && !this.destroyed) {
      const data = this.incoming.take();
      if (data === undefined) break;
      this.#isReading = this.push(data);
      this.#host.consumed(this, data.length);
    }
    if (!this.incoming.isDone || this.#hasEnded || this.destroyed) return;
    this.#hasEnded = true;
    this.push(null);
  }

  /** Ends both directions because the peer, or the end of the session, said so. */
  abort(error: CodedError): void {
    this.#isToldOver = true;
    this.destroy(error);
  }

  /** What became of a part that was sent. */
  deliveryOf(part: StreamPart): Delivery {
    return this.outgoing.delivery(part, () => this.#changed());
  }

  /** A part has been sent: a waiting writer may go on. */
  sent(): void {
    if (this.outgoing.unsentBytes > WRITE_AHEAD_BYTES / 2) return;
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  override _read(): void {
    this.#isReading = true;
    this.deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.outgoing.write(chunk);
    this.#afterWrite(done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.outgoing.write(chunk);
    this.#afterWrite(done);
  }

  override _final(done: () => void): void {
    this.#finished = done;
    this.outgoing.end();
    this.#host.wake(this);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const reset = !this.outgoing.isDone && !this.#isToldOver;
    const stop = !this.incoming.isDone && !this.#isToldOver;
    this.#host.aborted(this, faultOf(error), { reset, stop });
    this.outgoing.clear();
    this.#host.consumed(this, this.incoming.highest - this.incoming.takenBytes);
    this.incoming.clear();
    this.#written = undefined;
    this.#finished = undefined;
    done(error);
    this.#host.settled(this);
  }

  #afterWrite(done: () => void): void {
    if (this.outgoing.unsentBytes <= WRITE_AHEAD_BYTES) process.nextTick(done);
    else this.#written = done;
    this.#host.wake(this);
  }

  #changed(): void {
    if (this.destroyed) return;
    this.#host.wake(this);
    if (!this.outgoing.isDone) return;
    const finished = this.#finished;
    this.#finished = undefined;
    finished?.();
  }
}

/** Only what was meant to be told is told: the message of a bug stays here. */
function faultOf(error: Error | null): StreamFault {
  if (error === null) return { code: "cancelled", reason: "the peer has closed the stream" };
  if (error instanceof CodedError) return { code: error.code, reason: error.message };
  return { code: "internal", reason: "the peer has failed" };
}
