import type { AckRange } from "./wire.ts";

/** A part of a packet that somebody must know the fate of. Exactly one of the two is called, once. */
export interface Delivery {
  delivered(): void;
  lost(): void;
}

/** A packet that asked to be acknowledged. */
export interface SentPacket {
  readonly number: number;
  readonly phase: number;
  readonly bytes: number;
  readonly sentAt: number;
  readonly deliveries: readonly Delivery[];
}

/** What an acknowledgement has settled, each in the order sent. */
export interface Settled {
  readonly acknowledged: readonly SentPacket[];
  readonly lost: readonly SentPacket[];
}

/**
 * The packets of one path that are on their way, in the order sent. On a relay path (`reordering` 1) whatever was sent before
 * an acknowledged packet and is not acknowledged with it is lost: the path is FIFO.
 */
export class InFlight {
  readonly #reordering: number;
  #packets: SentPacket[] = [];
  #bytes = 0;

  constructor(reordering: number) {
    this.#reordering = reordering;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#packets.length;
  }

  add(packet: SentPacket): void {
    this.#packets.push(packet);
    this.#bytes += packet.bytes;
  }

  /** Settles what the ranges (highest first) tell. */
  acknowledge(ranges: readonly AckRange[]): Settled {
    const highest = ranges[0]?.high ?? -1;
    const acknowledged: SentPacket[] = [];
    const lost: SentPacket[] = [];
    const open: SentPacket[] = [];
    let at = 0;
    for (let packet = this.#packets[at]; packet !== undefined && packet.number <= highest;) {
      if (isAcknowledged(packet.number, ranges)) acknowledged.push(packet);
      else if (packet.number + this.#reordering <= highest) lost.push(packet);
      else open.push(packet);
      packet = this.#packets[++at];
    }
    if (at > open.length) this.#packets.splice(0, at, ...open);
    for (const packet of acknowledged) this.#bytes -= packet.bytes;
    for (const packet of lost) this.#bytes -= packet.bytes;
    return { acknowledged, lost };
  }

  /** Gives everything up as lost: the path is gone. */
  abandon(): readonly SentPacket[] {
    const packets = this.#packets;
    this.#packets = [];
    this.#bytes = 0;
    return packets;
  }
}

function isAcknowledged(number: number, ranges: readonly AckRange[]): boolean {
  return ranges.some(({ high, low }) => low <= number && number <= high);
}
