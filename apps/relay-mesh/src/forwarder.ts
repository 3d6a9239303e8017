import {
  Frame,
  type FramePart,
  HEADER_BYTES,
  KEY_BYTES,
  encodePeerGone,
  isDisco,
  writeHeader,
} from "@berth/derp";
import type { Connection } from "./connection.ts";
import type { Client, Directory } from "./directory.ts";
import { isKeyAt } from "./key-index.ts";
import type { Outbox } from "./outbox.ts";
import type { Tally } from "./tally.ts";
import { YoungCollection } from "./young-collection.ts";

/** Where packets for a sibling's clients go, and what remembers the last pair of keys that came from it. */
export interface Link {
  /** Takes a whole SendPacket frame of a local sender. */
  forward(source: Buffer, frame: Buffer, start: number, end: number): void;
  /** The same of a frame that lies in several chunks. */
  forwardParts(source: Buffer, parts: readonly FramePart[]): void;
  lastSource: KnownClient | undefined;
  lastDestination: KnownClient | undefined;
}

export type KnownClient = Client<Connection, Link>;
export type RelayDirectory = Directory<Connection, Link>;

/**
 * The hot path. A packet is rewritten where it lies in the received chunk and handed to its destination's outbox; what one
 * read brought leaves at the end of the read, one write per destination (derp.md section 6.2). Keeps R1 and R2 (relay.ts).
 */
export class Forwarder {
  readonly #directory: RelayDirectory;
  readonly #tally: Tally;
  readonly #touched: Outbox[] = [];
  readonly #collection = new YoungCollection();
  #churnedBytes = 0;

  constructor(directory: RelayDirectory, tally: Tally) {
    this.#directory = directory;
    this.#tally = tally;
  }

  /** A SendPacket of a local client: `type | length | destination 32 | packet`. */
  fromClient(sender: Connection, buffer: Buffer, start: number, end: number): void {
    const destination = this.#destinationOf(sender, buffer, start, end - start);
    if (destination === undefined) return this.#unknown(sender, buffer, start, end);
    if (destination.via !== undefined) {
      this.#tally.packetsForwardedOut += 1;
      this.#churnedBytes += 2 * (end - start); // in a batch, and in a message
      return destination.via.forward(sender.key, buffer, start, end);
    }
    const receiver = this.#rewrite(sender, destination, buffer, start);
    if (receiver !== undefined) this.#deliver(receiver, buffer, start, end);
  }

  /** The same of a long frame that spanned reads: it is never put together. */
  fromClientInParts(sender: Connection, parts: readonly FramePart[]): void {
    const [first] = parts;
    if (first === undefined) return;
    const bytes = parts.reduce((sum, { start, end }) => sum + end - start, 0);
    const destination = this.#destinationOf(sender, first.chunk, first.start, bytes);
    if (destination === undefined) return this.#unknown(sender, first.chunk, first.start, first.end);
    if (destination.via !== undefined) {
      this.#tally.packetsForwardedOut += 1;
      this.#churnedBytes += 2 * bytes;
      return destination.via.forwardParts(sender.key, parts);
    }
    const receiver = this.#rewrite(sender, destination, first.chunk, first.start);
    if (receiver === undefined) return;
    this.#tally.packetsSent += 1;
    this.#tally.bytesSent += bytes;
    if (receiver.outbox.addParts(parts)) this.#touched.push(receiver.outbox);
  }

  /** A ForwardPacket of a sibling: `type | length | source 32 | destination 32 | packet`. It goes to a local client or nowhere (R1). */
  fromLink(link: Link, buffer: Buffer, start: number, end: number): void {
    this.#tally.packetsForwardedIn += 1;
    this.#churnedBytes += 2 * (end - start); // as it came from the socket, and as a message
    const sourceAt = start + HEADER_BYTES;
    const destination = this.#known(link.lastDestination, buffer, sourceAt + KEY_BYTES);
    const receiver = destination?.active;
    if (destination === undefined || receiver === undefined) {
      this.#tally.dropped.unknown_dest_on_fwd += 1;
      return;
    }
    link.lastDestination = destination;
    const source = this.#known(link.lastSource, buffer, sourceAt);
    if (source !== undefined && (source !== link.lastSource || receiver !== source.lastReceiver)) {
      link.lastSource = source;
      source.lastReceiver = receiver;
      receiver.hasHeard(source);
    }
    const recvStart = start + KEY_BYTES; // a RecvPacket is 32 bytes shorter: its header overwrites the end of the source
    buffer.copyWithin(recvStart + HEADER_BYTES, sourceAt, sourceAt + KEY_BYTES);
    writeHeader(buffer, recvStart, Frame.recvPacket.code, end - recvStart - HEADER_BYTES);
    this.#deliver(receiver, buffer, recvStart, end);
  }

  /** Hands over what this read brought. */
  endOfRead(): void {
    for (const outbox of this.#touched) outbox.flush();
    this.#touched.length = 0;
    this.#collection.churned(this.#churnedBytes);
    this.#churnedBytes = 0;
  }

  #destinationOf(sender: Connection, buffer: Buffer, start: number, bytes: number): KnownClient | undefined {
    this.#tally.packetsReceived += 1;
    this.#tally.bytesReceived += bytes;
    this.#churnedBytes += bytes;
    const destination = this.#known(sender.lastDestination, buffer, start + HEADER_BYTES);
    if (destination !== undefined) sender.lastDestination = destination;
    return destination;
  }

  /** Makes a SendPacket the RecvPacket of its receiver: they have one length, so nothing else of the frame changes. */
  #rewrite(
    sender: Connection,
    destination: KnownClient,
    buffer: Buffer,
    start: number,
  ): Connection | undefined {
    const receiver = destination.active;
    if (receiver === undefined) return undefined;
    buffer[start] = Frame.recvPacket.code;
    sender.key.copy(buffer, start + HEADER_BYTES);
    if (receiver !== sender.lastReceiver) {
      sender.lastReceiver = receiver;
      receiver.hasHeard(sender.client);
    }
    return receiver;
  }

  #known(last: KnownClient | undefined, buffer: Buffer, at: number): KnownClient | undefined {
    if (last !== undefined && !last.isGone && isKeyAt(last.key, buffer, at)) return last;
    return this.#directory.find(buffer, at);
  }

  #deliver(receiver: Connection, buffer: Buffer, start: number, end: number): void {
    this.#tally.packetsSent += 1;
    this.#tally.bytesSent += end - start;
    if (receiver.outbox.add(buffer, start, end)) this.#touched.push(receiver.outbox);
  }

  /**
   * Stock clients hear of an unknown key for path discovery only; our own, told by their ticket, for every packet: a tunnel
   * then looks for its peer's new home at once.
   */
  #unknown(sender: Connection, buffer: Buffer, start: number, end: number): void {
    this.#tally.dropped.unknown_dest += 1;
    const packetAt = start + HEADER_BYTES + KEY_BYTES;
    if (!sender.hasTicket && !isDisco(buffer, packetAt, end)) return;
    if (!sender.mayHearOfUnknownKeys()) return;
    this.#tally.peerGoneNotHere += 1;
    const key = buffer.subarray(start + HEADER_BYTES, packetAt);
    sender.outbox.control(encodePeerGone(key, "notHere"));
  }
}
