import {
  type ClientInfo,
  type KeyPair,
  encodePeerGone,
  encodeRestarting,
  generateKeyPair,
} from "@berth/derp";
import type { Admission } from "./admission.ts";
import { Connection, type ConnectionEnd, type ConnectionOwner } from "./connection.ts";
import { Directory } from "./directory.ts";
import type { RelayEvents } from "./events.ts";
import { Forwarder, type KnownClient, type Link, type RelayDirectory } from "./forwarder.ts";
import { type Backlog, Outbox } from "./outbox.ts";
import { Tally } from "./tally.ts";
import type { ByteStream } from "./transport.ts";

// Invariants, cited by number where they are kept
//   R1  A frame is forwarded at most one hop: what came from a sibling never goes to a sibling.
//   R2  A slow reader loses its own frames; it never delays another's, and no sender is ever blocked.
//   R3  A link's end removes exactly the keys it brought.
//   R4  Of several connections of one key the last to speak is active; the others stay open (throwing them out makes clones fight).
//   R5  A draining relay has told a client to re-connect before it closes that client's socket, and its siblings hear goodbye last.

/** Whoever wants to know which keys are here. */
export interface PresenceWatcher {
  changed(client: KnownClient): void;
}

/** How often deadlines and keep-alives are looked after. */
const TEND_EVERY_MS = 250;

/** The relay of this process: its connections, and what ties them together. */
export class Relay implements ConnectionOwner {
  readonly keys: KeyPair = generateKeyPair();
  readonly tally = new Tally();
  readonly directory: RelayDirectory;
  readonly forwarder: Forwarder;
  readonly admission: Admission;
  readonly events: RelayEvents;
  readonly watchers = new Set<PresenceWatcher>();
  readonly #streams = new Map<Connection, ByteStream>();
  readonly #backlog: Backlog = { waitingBytes: 0 };
  readonly #tending: NodeJS.Timeout;

  constructor(admission: Admission, events: RelayEvents) {
    this.admission = admission;
    this.events = events;
    const presence = (client: KnownClient) => this.watchers.forEach((watcher) => watcher.changed(client));
    this.directory = new Directory<Connection, Link>({
      present: presence,
      left: presence,
      gone: (client) => this.#tellReceivers(client),
      outlived: (connection) => connection.challenge(performance.now()),
    });
    this.forwarder = new Forwarder(this.directory, this.tally);
    this.#tending = setInterval(() => this.#tend(), TEND_EVERY_MS);
  }

  get connections(): MapIterator<Connection> {
    return this.#streams.keys();
  }

  get connectionCount(): number {
    return this.#streams.size;
  }

  /** Takes in a client that has shaken hands. `first` is what it must hear before anything else. */
  arrive(stream: ByteStream, key: Buffer, said: ClientInfo, first: Buffer): Connection {
    const dropped = (frames: number) => (this.tally.dropped.queue_head += frames);
    const outbox = new Outbox(stream, this.#backlog, dropped);
    const connection = new Connection(this, key, said, outbox, performance.now());
    this.#streams.set(connection, stream);
    this.tally.accepts += 1;
    outbox.control(first);
    connection.arrived(this.directory.arrive(connection));
    return connection;
  }

  now(): number {
    return performance.now();
  }

  spoke(connection: Connection): void {
    this.directory.spoke(connection.client, connection);
  }

  /** Ends a connection; a second end is none. */
  ended(connection: Connection, why: ConnectionEnd): void {
    const stream = this.#streams.get(connection);
    if (stream === undefined) return;
    this.#streams.delete(connection);
    connection.dispose();
    this.directory.leave(connection.client, connection);
    stream.destroy();
    if (why === "took no data") this.tally.writeTimeouts += 1;
    if (why !== "left" && why !== "relay closed") this.events.connectionEnded(connection.key, why);
  }

  /** Tells one client to connect again elsewhere (R5). */
  restart(connection: Connection, reconnectInMs: number, tryForMs: number): void {
    connection.outbox.control(encodeRestarting(reconnectInMs, tryForMs));
  }

  /** Ends every connection. */
  close(): void {
    clearInterval(this.#tending);
    for (const connection of [...this.#streams.keys()]) this.ended(connection, "relay closed");
  }

  #tend(): void {
    const now = performance.now();
    for (const connection of [...this.#streams.keys()]) {
      const why = connection.tend(now);
      if (why !== undefined) this.ended(connection, why);
    }
  }

  #tellReceivers(client: KnownClient): void {
    for (const receiver of client.receivers) {
      this.tally.peerGoneDisconnected += 1;
      receiver.forget(client);
      receiver.outbox.control(encodePeerGone(client.key, "disconnected"));
    }
    client.receivers.clear();
  }
}
