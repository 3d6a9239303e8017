import { CodedError, deferred, messageOf } from "@berth/std";
import { Alarm } from "./alarm.ts";
import { Incoming } from "./incoming.ts";
import type { TransportKeys } from "./noise.ts";
import { Outgoing } from "./outgoing.ts";
import { PacketOpener, PacketSealer } from "./sealing.ts";
import type { SessionStream } from "./session-stream.ts";
import { StreamTable } from "./stream-table.ts";
import type { Path, Session, SessionEnd, StreamTarget, TicketClaims, TunnelStream } from "./types.ts";
import { decodeFrames, type Frame } from "./wire.ts";

/** A peer that says nothing for so long is given up. */
const ABANDON_MS = 15 * 60_000;
/** A dialer that has heard nothing for so long asks whether the peer is there. */
const KEEP_ALIVE_MS = 20_000;
/** Packets and frames that a peer may leave unacknowledged: seconds of the busiest line. */
const MAX_UNACKNOWLEDGED = 100_000;

/** What a handshake leaves, and what the session's owner wants to hear. */
export interface SessionOptions {
  readonly id: Buffer;
  readonly peerKey: Buffer;
  readonly keys: TransportKeys;
  readonly isDialer: boolean;
  readonly ticket?: TicketClaims;
  /** The handshake's round trip, when it was measured. */
  readonly roundTripMs?: number | undefined;
  readonly abandonMs?: number;
  readonly maxUnacknowledged?: number;
  /** @throws CodedError to refuse a stream of the peer. */
  readonly admit?: (target: StreamTarget, ticket: TicketClaims | undefined) => void;
  /** The first authentic packet of the peer has come: it is alive, and no replay. */
  readonly onAlive?: () => void;
  /** The peer hands in a fresh ticket; the claims it is now good for, or undefined to leave all as it is. */
  readonly onTicket?: (token: string) => TicketClaims | undefined;
}

/**
 * A session as both ends run it, over whatever path it has at the moment.
 * Invariants
 *   S1  Nothing acts before an authentic packet of the peer: a replayed message 1 gets no further than a half-open session.
 *   S2  Losing a path ends nothing. Only a close, a broken rule, or 15 minutes of silence do.
 *   S3  What a peer makes us keep is bounded: bytes by credit, what it does not acknowledge by number.
 *   S4  After the end there is no timer, no stream and no turn of the event loop left.
 */
export class TunnelSession implements Session {
  readonly id: string;
  readonly peerKey: Buffer;
  readonly ended: Promise<SessionEnd>;
  readonly #options: SessionOptions;
  readonly #end = deferred<SessionEnd>();
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  readonly #streams: StreamTable;
  readonly #alarm = new Alarm(() => this.#due());
  readonly #unheard: SessionStream[] = [];
  #ticket: TicketClaims | undefined;
  #hearStream: ((stream: TunnelStream) => void) | undefined;
  #hasEnded = false;
  #isAlive = false;
  #heardAt = performance.now();
  #askedAt = performance.now();
  #receivedBytes = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#ticket = options.ticket;
    this.id = options.id.toString("hex");
    this.peerKey = options.peerKey;
    this.ended = this.#end.promise;
    this.#incoming = new Incoming(new PacketOpener(options.keys.receive));
    this.#outgoing = new Outgoing(new PacketSealer(options.keys.send, options.id), {
      takeAck: (now) => this.#incoming.takeAck(now),
      ackDeadline: () => this.#incoming.ackDeadline,
      fillStreams: (builder, onlyUrgent) => this.#streams.fill(builder, onlyUrgent),
      rearm: () => this.#rearm(),
    });
    this.#streams = new StreamTable({
      outbox: this.#outgoing.outbox,
      isDialer: options.isDialer,
      wake: () => this.#outgoing.wake(),
      accept: (stream) => this.#accept(stream),
    });
    if (options.roundTripMs !== undefined)
      this.#outgoing.roundTrip.sample(options.roundTripMs, performance.now());
    this.#rearm();
  }

  get ticket(): TicketClaims | undefined {
    return this.#ticket;
  }

  get measures() {
    return {
      roundTripMs: this.#outgoing.roundTrip.smoothedMs,
      sentBytes: this.#outgoing.sentBytes,
      receivedBytes: this.#receivedBytes,
      unansweredMs: this.#outgoing.unacknowledged === 0 ? 0 : performance.now() - this.#heardAt,
    };
  }

  /** Whether the session is over. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a fault is the promise's, as for every caller of `open`
  async open(target: StreamTarget): Promise<TunnelStream> {
    if (this.#hasEnded) throw new CodedError("unavailable", "opening a stream: the session has ended");
    return this.#streams.open(target);
  }

  onStream(hear: (stream: TunnelStream) => void): void {
    this.#hearStream = hear;
    for (const stream of this.#unheard.splice(0)) hear(stream);
  }

  renew(ticket: string): void {
    if (this.#hasEnded) return;
    this.#outgoing.outbox.put("ticket", { type: "ticket", ticket });
    this.#outgoing.wake();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- part of Session: what else closes may wait
  async close(reason = "closed"): Promise<void> {
    this.#finish({ kind: "closed", by: "us", reason }, reason);
  }

  /** Ends it because the peer has no such session any more. */
  endUnknown(): void {
    this.#finish({ kind: "closed", by: "peer", reason: "the peer does not know this session any more" });
  }

  /** Goes on over this path. */
  usePath(path: Path): void {
    if (!this.#hasEnded) this.#outgoing.usePath(path, performance.now());
  }

  /** Waits for another path. */
  losePath(): void {
    if (!this.#hasEnded) this.#outgoing.losePath();
  }

  /** Takes a sealed packet, authentic or not. */
  receive(packet: Buffer): void {
    if (this.#hasEnded) return;
    const now = performance.now();
    const heard = this.#incoming.open(packet, now);
    if (heard === undefined) return;
    this.#heardAt = now;
    this.#receivedBytes += packet.length;
    this.#outgoing.heard(heard.isNewPath);
    if (!this.#isAlive) {
      this.#isAlive = true; // S1
      this.#options.onAlive?.();
    }
    try {
      const frames = decodeFrames(heard.plain);
      if (frames.some(({ type }) => type !== "ack" && type !== "close")) this.#incoming.owe(heard.path, now);
      for (const frame of frames) this.#act(frame, now);
      if (this.#outgoing.unacknowledged > (this.#options.maxUnacknowledged ?? MAX_UNACKNOWLEDGED))
        throw new CodedError("resource_exhausted", "it acknowledges nothing"); // S3
    } catch (broken) {
      if (!(broken instanceof CodedError)) throw broken;
      const reason = `the peer broke the protocol: ${messageOf(broken)}`;
      this.#finish({ kind: "closed", by: "us", reason }, reason);
    }
    if (this.#ackDeadline <= now) this.#outgoing.wake();
    this.#rearm();
  }

  #act(frame: Frame, now: number): void {
    if (this.#hasEnded) return;
    switch (frame.type) {
      case "ack":
        return this.#outgoing.acknowledged(frame, now);
      case "challenge":
        this.#outgoing.outbox.putOnce("response", { type: "response", token: Buffer.from(frame.token) });
        return this.#outgoing.wake();
      case "close":
        return this.#finish({ kind: "closed", by: "peer", reason: frame.reason });
      case "ticket":
        this.#ticket = this.#options.onTicket?.(frame.ticket) ?? this.#ticket;
        return;
      default:
        return this.#streams.hear(frame);
    }
  }

  #accept(stream: SessionStream): void {
    this.#options.admit?.(stream.target, this.#ticket);
    if (this.#hearStream === undefined) this.#unheard.push(stream);
    else this.#hearStream(stream);
  }

  #finish(end: SessionEnd, tell?: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#outgoing.close(tell === undefined ? undefined : { type: "close", reason: tell });
    this.#alarm.clear();
    const why = end.kind === "abandoned" ? "the peer has been silent for too long" : end.reason;
    this.#streams.close(new CodedError("unavailable", `the session has ended: ${why}`));
    this.#end.resolve(end);
  }

  #rearm(): void {
    if (this.#hasEnded) return;
    this.#alarm.set(
      Math.min(
        this.#ackDeadline,
        this.#outgoing.probeDeadline ?? Infinity,
        this.#keepAliveDeadline,
        this.#heardAt + (this.#options.abandonMs ?? ABANDON_MS),
      ),
    );
  }

  /** Without a path an acknowledgement waits for the next one. */
  get #ackDeadline(): number {
    return this.#outgoing.hasPath ? (this.#incoming.ackDeadline ?? Infinity) : Infinity;
  }

  get #keepAliveDeadline(): number {
    return this.#options.isDialer ? Math.max(this.#heardAt, this.#askedAt) + KEEP_ALIVE_MS : Infinity;
  }

  #due(): void {
    const now = performance.now() + 1; // as early as the alarm may ring
    const silentMs = now - this.#heardAt;
    if (silentMs >= (this.#options.abandonMs ?? ABANDON_MS))
      return this.#finish({ kind: "abandoned", silentMs });
    if ((this.#outgoing.probeDeadline ?? Infinity) <= now) this.#outgoing.probe();
    if (this.#keepAliveDeadline <= now) {
      this.#askedAt = now;
      this.#outgoing.probe();
    }
    if (this.#ackDeadline <= now) this.#outgoing.wake();
    this.#rearm();
  }
}
