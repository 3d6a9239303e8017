import { randomBytes } from "node:crypto";
import {
  type ClientInfo,
  Frame,
  type FramePart,
  HEADER_BYTES,
  encodeKeepAlive,
  encodePing,
  encodePong,
} from "@berth/derp";
import { RoundTrip } from "@berth/std";
import type { Station } from "./directory.ts";
import type { Forwarder, KnownClient } from "./forwarder.ts";
import type { Outbox } from "./outbox.ts";
import type { Tally } from "./tally.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Why a connection is over. */
export type ConnectionEnd =
  "left" | "broke the protocol" | "took no data" | "silent" | "outlived" | "relay closed" | "fault";

/** What a connection is told and asks of its relay. */
export interface ConnectionOwner {
  readonly forwarder: Forwarder;
  readonly tally: Tally;
  /** The relay's monotonic clock, in milliseconds. */
  now(): number;
  /** The client of a connection that has just spoken may be better reached through it. */
  spoke(connection: Connection): void;
  ended(connection: Connection, why: ConnectionEnd): void;
}

const KEEP_ALIVE_MS = 60_000;
/** Keep-alives of clients that connected together must not stay together. */
const KEEP_ALIVE_JITTER_MS = 5_000;
/** A write that nobody takes, and a challenge that nobody answers, end a connection after this, plus 3 round trips. */
const PATIENCE_MS = 2_000;
/** A client that speaks but takes nothing. */
const LONGEST_WRITE_MS = 30_000;

/** One client's connection, from its handshake to its end. */
export class Connection implements Station {
  readonly key: Buffer;
  readonly outbox: Outbox;
  readonly hasTicket: boolean;
  readonly canAckPings: boolean;
  spokeAt: number;
  /** Whoever this connection sent to last, and the connection that got it: most packets go where the one before went. */
  lastDestination: KnownClient | undefined;
  lastReceiver: Connection | undefined;
  isPreferred = false;
  readonly #owner: ConnectionOwner;
  #client: KnownClient | undefined;
  readonly #heardFrom = new Set<KnownClient>();
  readonly #unknownKeys: TokenBucket;
  readonly #roundTrip: RoundTrip;
  #heardAt: number;
  #keepAliveAt: number;
  #ping: { echo: Buffer; sentAt: number } | undefined;
  #challengedAt: number | undefined;
  #spoken = false;

  constructor(owner: ConnectionOwner, key: Buffer, said: ClientInfo, outbox: Outbox, now: number) {
    this.#owner = owner;
    this.key = key;
    this.outbox = outbox;
    this.hasTicket = said.berthTicket !== undefined;
    this.canAckPings = said.canAckPings;
    this.#unknownKeys = new TokenBucket(3, 1000, now);
    this.#roundTrip = said.canAckPings ? new RoundTrip() : new RoundTrip(0);
    this.spokeAt = now;
    this.#heardAt = now;
    this.#keepAliveAt = now + KEEP_ALIVE_MS + Math.random() * KEEP_ALIVE_JITTER_MS;
  }

  /** Who this connection belongs to. */
  get client(): KnownClient {
    if (this.#client === undefined) throw new Error("a connection was used before it arrived");
    return this.#client;
  }

  /** The directory has taken it in. */
  arrived(client: KnownClient): void {
    this.#client = client;
    if (this.canAckPings) this.#sendPing(this.spokeAt);
  }

  /** One frame of the client. */
  hear(type: number, buffer: Buffer, start: number, end: number): void {
    if (type === Frame.sendPacket.code) {
      this.#spoken = true;
      this.#owner.forwarder.fromClient(this, buffer, start, end);
      return;
    }
    const payloadAt = start + HEADER_BYTES;
    switch (type) {
      case Frame.pong.code: // proves life, but is no reason to send packets here
        return this.#pong(buffer.subarray(payloadAt, payloadAt + 8));
      case Frame.ping.code:
        this.#owner.tally.pings += 1;
        this.outbox.control(encodePong(buffer.subarray(payloadAt, payloadAt + 8)));
        break;
      case Frame.notePreferred.code:
        this.isPreferred = buffer[payloadAt] !== 0;
        break;
    }
    this.#spoken = true;
  }

  /** A long frame that spanned reads; anything but a packet that long was refused by its length. */
  hearParts(type: number, parts: readonly FramePart[]): void {
    this.#spoken = true;
    if (type === Frame.sendPacket.code) this.#owner.forwarder.fromClientInParts(this, parts);
  }

  /** A chunk of the client's stream has been read whole. */
  endOfRead(now: number): void {
    this.#heardAt = now;
    this.#owner.forwarder.endOfRead();
    if (!this.#spoken) return;
    this.#spoken = false;
    this.spokeAt = now;
    const { client } = this;
    if (client.active !== this || client.isContested) this.#owner.spoke(this);
  }

  /** This connection has received from a client, and is told when that client leaves. */
  hasHeard(source: KnownClient): void {
    source.receivers.add(this);
    this.#heardFrom.add(source);
  }

  /** The client has left the region: nothing of it is remembered here. */
  forget(source: KnownClient): void {
    this.#heardFrom.delete(source);
  }

  /** 1 a second after 3 at once. */
  mayHearOfUnknownKeys(): boolean {
    return this.#unknownKeys.take(this.#owner.now());
  }

  /** The same key spoke elsewhere: unless this one answers, it is a half-open leftover. */
  challenge(now: number): void {
    if (!this.canAckPings || this.#challengedAt !== undefined) return;
    this.#challengedAt = now;
    this.#sendPing(now);
  }

  /** Looks after deadlines and keep-alives; answers why the connection must end, if it must. */
  tend(now: number): ConnectionEnd | undefined {
    const patience = this.#roundTrip.patienceMs(PATIENCE_MS);
    if (this.#challengedAt !== undefined) {
      if (this.#heardAt > this.#challengedAt) this.#challengedAt = undefined;
      else if (now - this.#challengedAt > patience) return "outlived";
    }
    if (this.#client?.via !== undefined && this.#client.active === this) this.#owner.spoke(this); // a claim that was put off
    const pendingMs = now - (this.outbox.pendingSince ?? now);
    const silentMs = now - this.#heardAt;
    // Whoever is heard is alive: on a slow line the kernel takes nothing new for seconds.
    if (pendingMs > LONGEST_WRITE_MS || (pendingMs > patience && silentMs > patience)) return "took no data";
    return now >= this.#keepAliveAt ? this.#keepAlive(now) : undefined;
  }

  /** Leaves no trace at other clients. */
  dispose(): void {
    for (const source of this.#heardFrom) source.receivers.delete(this);
    this.#heardFrom.clear();
    this.outbox.end();
  }

  #keepAlive(now: number): ConnectionEnd | undefined {
    if (this.#ping !== undefined && this.#heardAt < this.#ping.sentAt) return "silent"; // for a whole minute
    this.#keepAliveAt = now + KEEP_ALIVE_MS;
    this.outbox.control(encodeKeepAlive());
    if (this.canAckPings) this.#sendPing(now);
    return undefined;
  }

  #sendPing(now: number): void {
    this.#ping = { echo: randomBytes(8), sentAt: now };
    this.outbox.control(encodePing(this.#ping.echo));
  }

  #pong(echo: Buffer): void {
    this.#owner.tally.pongs += 1;
    if (this.#ping === undefined || !this.#ping.echo.equals(echo)) return;
    this.#roundTrip.measured(this.#owner.now() - this.#ping.sentAt);
    this.#ping = undefined;
  }
}
