import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  decodeServerFrame,
  decodeServerInfo,
  decodeServerKey,
  encodeClientInfo,
  encodeNotePreferred,
  encodePing,
  encodePong,
  Frame,
  FrameReader,
  HEADER_BYTES,
  KEY_BYTES,
  writeHeader,
  type ServerFrame,
} from "@berth/derp";
import { CodedError, deferred, messageOf } from "@berth/std";
import { openRelayStream, type RelayStream } from "./relay-upgrade.ts";
import type { KeyPair, RelayAddress } from "./types.ts";

/** Bytes that may wait in this process; what waits in the kernel comes on top. */
const MAX_BUFFERED_BYTES = 512 * 1024;
/** Parts of a small packet are joined; of a big one they are not: a copy of 32 KiB costs more than a longer writev. */
const JOIN_BELOW_BYTES = 2048;
/** Silence that makes a relay dead, and three smoothed round trips on top: slow is not dead. */
const DEAD_MS = 5_000;
const PING_AFTER_MS = 2_500;
const LOOK_EVERY_MS = 500;
const CLOSE_MS = 1_000;
/** A look that comes so much too late says that this process slept, not that the relay did. */
const SLEPT_MS = 2_000;

/** What a link tells its owner. */
export interface RelayLinkListener {
  packet(packet: Buffer, from: Buffer): void;
  /** What waited has gone out. */
  drained(): void;
  /** The relay is about to end: connect elsewhere first, then leave. */
  restarting(link: RelayLink): void;
  ended(link: RelayLink, reason: string): void;
}

/**
 * One connection to one relay, from the handshake to its end. It judges by its own pings whether the relay is alive, and a
 * relay that is not has ended.
 */
export class RelayLink {
  readonly address: RelayAddress;
  readonly #stream: Duplex;
  readonly #joinBelowBytes: number;
  readonly #identity: KeyPair;
  readonly #ticket: string | undefined;
  readonly #ready = deferred();
  readonly #listener: RelayLinkListener;
  #serverKey: Buffer | undefined;
  #isReady = false;
  #hasEnded = false;
  #isCorked = false;
  #problem = "";
  #looking: NodeJS.Timeout | undefined;
  #lookedAt = performance.now();
  #heardAt = performance.now();
  #askedAt = performance.now();
  #pingEcho: Buffer | undefined;
  #roundTripMs = 0;
  #restartInMs: number | undefined;

  private constructor(
    address: RelayAddress,
    identity: KeyPair,
    ticket: string | undefined,
    opened: RelayStream,
    listener: RelayLinkListener,
  ) {
    this.address = address;
    this.#identity = identity;
    this.#ticket = ticket;
    this.#stream = opened.stream;
    this.#joinBelowBytes = opened.isOfMessages ? Infinity : JOIN_BELOW_BYTES;
    this.#listener = listener;
  }

  /**
   * Connects and shakes hands.
   * @throws CodedError `unavailable`, or `unauthenticated` when the relay refuses the ticket
   */
  static async open(
    address: RelayAddress,
    identity: KeyPair,
    ticket: string | undefined,
    listener: RelayLinkListener,
    signal: AbortSignal,
  ): Promise<RelayLink> {
    const opened = await openRelayStream(address, signal);
    const link = new RelayLink(address, identity, ticket, opened, listener);
    const giveUp = () => link.#end("the handshake was given up");
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    link.#listen(opened);
    try {
      await link.#ready.promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
    return link;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** In how many milliseconds its relay wants its clients to connect elsewhere, once it has said so. */
  get restartInMs(): number | undefined {
    return this.#restartInMs;
  }

  /** Smoothed round trip to the relay. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** Sends a packet to a key; false when much is waiting. */
  send(destination: Buffer, parts: readonly Buffer[]): boolean {
    if (this.#hasEnded) return true; // as if lost on the way
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#stream.cork(); // what one turn of the event loop sends goes out in one system call
      process.nextTick(() => {
        this.#isCorked = false;
        this.#stream.uncork();
      });
    }
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const head = Buffer.allocUnsafe(HEADER_BYTES + KEY_BYTES);
    writeHeader(head, 0, Frame.sendPacket.code, KEY_BYTES + bytes);
    destination.copy(head, HEADER_BYTES);
    if (bytes < this.#joinBelowBytes) this.#stream.write(Buffer.concat([head, ...parts]));
    else for (const part of [head, ...parts]) this.#stream.write(part);
    return this.#stream.writableLength < MAX_BUFFERED_BYTES;
  }

  /** Says goodbye. Resolves when what waited has been sent, or the relay has not taken it within a second. */
  async close(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#looking);
    const stream = this.#stream;
    const closed = new Promise((resolve) => stream.once("close", resolve));
    const impatient = setTimeout(() => stream.destroy(), CLOSE_MS);
    stream.end();
    stream.resume();
    await closed;
    clearTimeout(impatient);
  }

  #listen(opened: RelayStream): void {
    const reader = new FrameReader("client", (type, buffer, start, end) => {
      const frame = decodeServerFrame(type, buffer, start, end);
      if (frame !== undefined) this.#hear(frame);
    });
    const stream = this.#stream;
    stream.on("drain", () => this.#listener.drained());
    stream.on("error", (error) => this.#end(error.message));
    stream.on("end", () => this.#end(this.#problem === "" ? "the relay has closed" : this.#problem));
    stream.on("close", () => this.#end(this.#problem === "" ? "the connection has closed" : this.#problem));
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
    opened.listen((chunk) => {
      if (this.#hasEnded) return;
      this.#heardAt = performance.now();
      try {
        reader.read(chunk);
      } catch (broken) {
        this.#end(messageOf(broken));
      }
    });
  }

  #hear(frame: ServerFrame): void {
    switch (frame.kind) {
      case "recvPacket":
        return this.#listener.packet(frame.packet, frame.source);
      case "serverKey":
        return this.#greet(frame.payload);
      case "serverInfo":
        return this.#welcome(frame.payload);
      case "ping":
        this.#stream.write(encodePong(frame.echo));
        return;
      case "pong":
        if (this.#pingEcho?.equals(frame.echo) === true) this.#measure(performance.now() - this.#askedAt);
        return;
      case "health":
        this.#problem = frame.problem;
        return;
      case "restarting":
        this.#restartInMs = frame.reconnectInMs;
        return this.#listener.restarting(this);
      default:
        return;
    }
  }

  #greet(payload: Buffer): void {
    if (this.#serverKey !== undefined) return;
    this.#serverKey = decodeServerKey(payload);
    this.#askedAt = performance.now();
    const said = {
      canAckPings: true,
      appName: "berth",
      ...(this.#ticket !== undefined && { berthTicket: this.#ticket }),
    };
    this.#stream.write(encodeClientInfo(this.#identity, this.#serverKey, said));
  }

  #welcome(payload: Buffer): void {
    if (this.#serverKey === undefined || this.#isReady) return;
    decodeServerInfo(this.#identity, this.#serverKey, payload); // that it opens proves the relay's key
    this.#isReady = true;
    this.#measure(performance.now() - this.#askedAt);
    this.#stream.write(encodeNotePreferred(true));
    this.#ready.resolve();
  }

  #measure(ms: number): void {
    this.#roundTripMs = this.#roundTripMs === 0 ? ms : this.#roundTripMs + (ms - this.#roundTripMs) / 8;
    this.#pingEcho = undefined;
  }

  #look(): void {
    const now = performance.now();
    if (now - this.#lookedAt > LOOK_EVERY_MS + SLEPT_MS) this.#heardAt = now - PING_AFTER_MS;
    this.#lookedAt = now;
    const silentMs = now - this.#heardAt;
    if (this.#isReady && silentMs > DEAD_MS + 3 * this.#roundTripMs)
      return this.#end(`the relay has been silent for ${Math.round(silentMs)} ms`);
    if (!this.#isReady || silentMs < PING_AFTER_MS || this.#pingEcho !== undefined) return;
    this.#pingEcho = randomBytes(8);
    this.#askedAt = now;
    this.#stream.write(encodePing(this.#pingEcho));
  }

  #end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#looking);
    this.#stream.on("error", () => undefined);
    this.#stream.destroy();
    const refused = this.#problem.startsWith("refused");
    const message = `connecting to relay ${this.address.url}: ${reason}`;
    this.#ready.reject(new CodedError(refused ? "unauthenticated" : "unavailable", message));
    if (this.#isReady) this.#listener.ended(this, reason);
  }
}
