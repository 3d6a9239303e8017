import type { Delivery } from "./in-flight.ts";

const SCRATCH_BYTES = 64 * 1024;

/** Gathers frames for one packet in a buffer that is used over and over. */
export class PacketBuilder {
  readonly buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #length = 0;
  #limit = 0;
  #isEliciting = false;
  #deliveries: Delivery[] = [];

  /** Starts a packet of at most so many bytes. */
  begin(limitBytes: number): void {
    this.#length = 0;
    this.#limit = Math.min(limitBytes, SCRATCH_BYTES);
    this.#isEliciting = false;
    this.#deliveries = [];
  }

  get length(): number {
    return this.#length;
  }

  get room(): number {
    return this.#limit - this.#length;
  }

  /** Whether something in it asks for an acknowledgement. */
  get isEliciting(): boolean {
    return this.#isEliciting;
  }

  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  get plain(): Buffer {
    return this.buffer.subarray(0, this.#length);
  }

  /** Opens what was held back. */
  widen(bytes: number): void {
    this.#limit = Math.min(this.#limit + bytes, SCRATCH_BYTES);
  }

  /** Adds an encoded frame; false when there is no room. */
  put(frame: Buffer, isEliciting: boolean, delivery?: Delivery): boolean {
    if (frame.length > this.room) return false;
    frame.copy(this.buffer, this.#length);
    this.extendTo(this.#length + frame.length, isEliciting, delivery);
    return true;
  }

  /** What lies in `buffer` up to there was written by the caller. */
  extendTo(length: number, isEliciting: boolean, delivery?: Delivery): void {
    this.#length = length;
    this.#isEliciting ||= isEliciting;
    if (delivery !== undefined) this.#deliveries.push(delivery);
  }
}
