import { randomBytes } from "node:crypto";
import { CodedError } from "@berth/std";
import { InFlight, type SentPacket } from "./in-flight.ts";
import { Outbox } from "./outbox.ts";
import { PacketBuilder } from "./packet-builder.ts";
import { RoundTrip } from "./round-trip.ts";
import type { PacketSealer } from "./sealing.ts";
import { SendWindow } from "./send-window.ts";
import type { Path } from "./types.ts";
import { encodeFrame, MAX_ACK_BYTES, SEALED_HEADER_BYTES, TAG_BYTES, type ControlFrame } from "./wire.ts";

/** Packets per turn of the event loop: others want their turn too. */
const PACKETS_PER_TURN = 64;
/** After so many unanswered probes the peer is away: ask seldom. */
const AWAY_PROBES = 60;
const AWAY_PROBE_MS = 5_000;

/** Where frames come from. */
export interface FrameSources {
  /** Takes the acknowledgement that is owed, if any. */
  takeAck(now: number): ControlFrame | undefined;
  /** When it must go, alone if need be. */
  ackDeadline(): number | undefined;
  /** Fills a packet with bytes of streams. */
  fillStreams(builder: PacketBuilder, onlyUrgent: boolean, now: number): void;
  /** What was sent may have moved the next deadline. */
  rearm(): void;
}

/**
 * Sends what a session has to send over its present path, and learns what became of it.
 * Invariants
 *   O1  A path id is used for one path only and never again, so that its numbers are one FIFO sequence.
 *   O2  A probe carries no data: its acknowledgement shows the gap, and only what is missing is sent again.
 *   O3  When the path is replaced, everything unacknowledged is sent again on the new one.
 */
export class Outgoing {
  readonly outbox = new Outbox();
  readonly roundTrip = new RoundTrip();
  readonly #sealer: PacketSealer;
  readonly #sources: FrameSources;
  readonly #builder = new PacketBuilder();
  readonly #window = new SendWindow();
  #path: Path | undefined;
  #pathId = 0;
  #isPathFull = false;
  #flight = new InFlight(1);
  #nextNumber = 0;
  #unanswered = 0;
  #lastElicitingAt = 0;
  #turn: NodeJS.Immediate | undefined;
  #sentBytes = 0;
  #isClosed = false;

  constructor(sealer: PacketSealer, sources: FrameSources) {
    this.#sealer = sealer;
    this.#sources = sources;
  }

  /** Bytes of packets sent, all in all. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Packets and frames that the peer has said nothing of. */
  get unacknowledged(): number {
    return this.#flight.count + this.outbox.unacknowledged;
  }

  get hasPath(): boolean {
    return this.#path !== undefined;
  }

  /** Goes on over another path. */
  usePath(path: Path, now: number): void {
    const unacknowledged = this.#flight.abandon();
    this.#path = path;
    this.#pathId += 1; // O1
    this.#isPathFull = false;
    this.#flight = new InFlight(path.kind === "relay" ? 1 : 3);
    this.#nextNumber = 0;
    this.#unanswered = 0;
    this.#window.restart(now);
    this.roundTrip.forgetMinimum();
    path.onDrain(() => this.#drained(path));
    this.#lose(unacknowledged); // O3
    this.outbox.putOnce("challenge", { type: "challenge", token: randomBytes(8) });
    this.wake();
  }

  /** The path is gone and there is no other yet: all waits. */
  losePath(): void {
    this.#path = undefined;
    this.#sources.rearm();
  }

  /** Sends at the end of this turn of the event loop, together with whatever else will be there by then. */
  wake(): void {
    if (this.#isClosed) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#flush();
    });
  }

  /** When to ask the peer for an acknowledgement that is overdue. */
  get probeDeadline(): number | undefined {
    if (this.#path === undefined || this.#flight.count === 0) return undefined;
    const afterMs = this.roundTrip.probeAfterMs(this.#unanswered);
    return (
      this.#lastElicitingAt + (this.#unanswered > AWAY_PROBES ? Math.max(afterMs, AWAY_PROBE_MS) : afterMs)
    );
  }

  /** Asks for an acknowledgement now: it shows what has arrived. */
  probe(): void {
    this.#unanswered += 1;
    this.outbox.putOnce("ping", { type: "ping" });
    this.wake();
  }

  /** Something authentic came: the peer is there. */
  heard(isNewPath: boolean): void {
    const wasAway = this.#unanswered > 0;
    this.#unanswered = 0;
    if ((isNewPath || wasAway) && this.#flight.count > 0) {
      this.outbox.putOnce("ping", { type: "ping" }); // what went to its old home is missing: O2
      this.wake();
    }
  }

  /** @throws CodedError when the peer acknowledges what was never sent. */
  acknowledged(frame: Extract<ControlFrame, { type: "ack" }>, now: number): void {
    if (frame.path !== this.#pathId) return; // of a path that was given up
    if (frame.ranges.some(({ high }) => high >= this.#nextNumber))
      throw new CodedError("invalid_argument", "it acknowledges what was never sent");
    const inFlightBytes = this.#flight.bytes;
    const { acknowledged, lost } = this.#flight.acknowledge(frame.ranges);
    const newest = acknowledged.at(-1);
    if (newest !== undefined && newest.number === frame.ranges[0]?.high)
      this.roundTrip.sample(Math.max(0.01, now - newest.sentAt - frame.delayMicros / 1000), now);
    const bytes = acknowledged.reduce((sum, packet) => sum + packet.bytes, 0);
    const wasFull = inFlightBytes + 64 * 1024 > this.#window.bytesAt(now);
    if (bytes > 0) this.#window.acknowledged(bytes, wasFull, this.roundTrip, now);
    for (const packet of acknowledged) {
      this.#sealer.confirm(packet.phase);
      for (const delivery of packet.deliveries) delivery.delivered();
    }
    const newestLost = lost.at(-1);
    if (newestLost !== undefined) this.#window.lost(newestLost.sentAt, now);
    this.#lose(lost);
    if (acknowledged.length > 0 || lost.length > 0) this.wake();
  }

  /** Sends one last packet, and nothing after it. */
  close(frame: ControlFrame | undefined): void {
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
    if (frame !== undefined && this.#path !== undefined) {
      this.#builder.begin(this.#limit(this.#path));
      this.#builder.put(encodeFrame(frame), false);
      this.#send(this.#path, performance.now());
    }
    this.#isClosed = true;
    this.#path = undefined;
    this.#flight.abandon();
  }

  #flush(): void {
    for (let packets = 0; packets < PACKETS_PER_TURN; packets++) {
      if (this.#sendNext()) continue;
      this.#sources.rearm();
      return;
    }
    this.wake();
  }

  #sendNext(): boolean {
    const path = this.#path;
    if (path === undefined) return false;
    const now = performance.now();
    const builder = this.#builder;
    builder.begin(this.#limit(path) - MAX_ACK_BYTES);
    this.outbox.fill(builder);
    const mayBulk = !this.#isPathFull && this.#flight.bytes < this.#window.bytesAt(now);
    const isAckDue = (this.#sources.ackDeadline() ?? Infinity) <= now;
    this.#sources.fillStreams(builder, !mayBulk, now);
    if (builder.length === 0 && !isAckDue) return false;
    const ack = this.#sources.takeAck(now);
    builder.widen(MAX_ACK_BYTES);
    if (ack !== undefined) builder.put(encodeFrame(ack), false);
    this.#send(path, now);
    return builder.isEliciting;
  }

  #send(path: Path, now: number): void {
    const builder = this.#builder;
    const number = this.#nextNumber++;
    const sealed = this.#sealer.seal(this.#pathId, number, builder.plain);
    const bytes = SEALED_HEADER_BYTES + builder.length + TAG_BYTES;
    if (builder.isEliciting) {
      const { deliveries } = builder;
      this.#flight.add({ number, phase: this.#sealer.phase, bytes, sentAt: now, deliveries });
      this.#lastElicitingAt = now;
    }
    this.#sentBytes += bytes;
    if (!path.send(sealed)) this.#isPathFull = true;
  }

  #drained(path: Path): void {
    if (path !== this.#path || !this.#isPathFull) return;
    this.#isPathFull = false;
    this.#flush();
  }

  #lose(packets: readonly SentPacket[]): void {
    for (const packet of packets) for (const delivery of packet.deliveries) delivery.lost();
  }

  #limit(path: Path): number {
    return path.maxPacketBytes - SEALED_HEADER_BYTES - TAG_BYTES;
  }
}
