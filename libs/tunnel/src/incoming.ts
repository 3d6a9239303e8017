import { RangeSet } from "./range-set.ts";
import { MAX_ACK_DELAY_MS } from "./round-trip.ts";
import type { PacketOpener } from "./sealing.ts";
import { MAX_ACK_RANGES, type ControlFrame } from "./wire.ts";

/** Paths of the peer that are remembered; a packet of an older one is a replay. */
const REMEMBERED_PATHS = 8;
/** Ranges of numbers per path; what lies below them is a replay. */
const REMEMBERED_RANGES = 64;

interface PathRecord {
  readonly id: number;
  readonly received: RangeSet;
  /** Numbers below it are refused. */
  floor: number;
  pending: number;
  pendingSince: number;
  highestAt: number;
}

/** An authentic packet that had not been seen before. */
export interface HeardPacket {
  readonly plain: Buffer;
  readonly path: number;
  /** The peer sends on a path that it did not use before. */
  readonly isNewPath: boolean;
}

/** Opens what comes in, refuses replays per path, and knows what is to be acknowledged. */
export class Incoming {
  readonly #opener: PacketOpener;
  readonly #paths: PathRecord[] = [];
  #lowestPath = 0;

  constructor(opener: PacketOpener) {
    this.#opener = opener;
  }

  /** Undefined for what is forged, damaged or repeated. */
  open(packet: Buffer, now: number): HeardPacket | undefined {
    const opened = this.#opener.open(packet);
    if (opened === undefined || opened.path < this.#lowestPath) return undefined;
    const isNewPath = opened.path > (this.#paths.at(-1)?.id ?? -1);
    const record = this.#recordOf(opened.path);
    if (opened.number < record.floor || record.received.has(opened.number)) return undefined;
    if (opened.number >= (record.received.last?.to ?? 0)) record.highestAt = now;
    record.received.add(opened.number, opened.number + 1);
    const first = record.received.first;
    if (record.received.count > REMEMBERED_RANGES && first !== undefined) {
      record.floor = first.to;
      record.received.remove(first.from, first.to);
    }
    return { plain: opened.plain, path: opened.path, isNewPath };
  }

  /** A packet of the path asked for an acknowledgement. */
  owe(path: number, now: number): void {
    const record = this.#recordOf(path);
    if (record.pending === 0) record.pendingSince = now;
    record.pending += 1;
  }

  /** When an acknowledgement must go out at the latest. */
  get ackDeadline(): number | undefined {
    const owed = this.#paths.filter(({ pending }) => pending > 0);
    if (owed.length === 0) return undefined;
    return Math.min(
      ...owed.map(({ pending, pendingSince }) => pendingSince + (pending > 1 ? 0 : MAX_ACK_DELAY_MS)),
    );
  }

  /** Takes the acknowledgement that is owed, if any. */
  takeAck(now: number): ControlFrame | undefined {
    const record = this.#paths.find(({ pending }) => pending > 0);
    if (record === undefined) return undefined;
    record.pending = 0;
    return {
      type: "ack",
      path: record.id,
      delayMicros: Math.round((now - record.highestAt) * 1000),
      ranges: record.received.highest(MAX_ACK_RANGES).map(({ from, to }) => ({ high: to - 1, low: from })),
    };
  }

  #recordOf(id: number): PathRecord {
    const known = this.#paths.find((record) => record.id === id);
    if (known !== undefined) return known;
    const record = {
      id,
      received: new RangeSet(),
      floor: 0,
      pending: 0,
      pendingSince: 0,
      highestAt: 0,
    };
    this.#paths.push(record);
    this.#paths.sort((a, b) => a.id - b.id);
    if (this.#paths.length > REMEMBERED_PATHS) {
      this.#paths.shift();
      this.#lowestPath = this.#paths[0]?.id ?? 0;
    }
    return record;
  }
}
