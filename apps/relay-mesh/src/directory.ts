import { type Keyed, KeyIndex } from "./key-index.ts";

/** A client's connection to this relay, as the directory sees it. */
export interface Station {
  readonly key: Buffer;
  /** When a frame other than a pong was last heard, on the relay's monotonic clock. */
  readonly spokeAt: number;
}

/** A client that is known in this region: who has its key, here or at a sibling. */
export class Client<S extends Station = Station, L = unknown> implements Keyed {
  readonly key: Buffer;
  /** Connections of this key here, the last to speak at the end (R4). */
  readonly stations: S[] = [];
  /** Links that brought this key, with when the sibling last heard it. */
  readonly links = new Map<L, number>();
  /** Connections that have received from this key: they are told when it leaves the region. */
  readonly receivers = new Set<S>();
  /** The connection that gets this client's packets here. */
  active: S | undefined;
  /** Where packets of local senders go instead of `active`: a sibling has heard this key more recently. */
  via: L | undefined;
  /** When siblings were last told that the key spoke here while they had it too. */
  claimedAt = -Infinity;
  /** The connection here that received from this key last, while it is at a sibling. */
  lastReceiver: S | undefined;
  /** Nobody has the key any more: whoever still holds this object must look the key up again. */
  isGone = false;

  constructor(key: Buffer) {
    this.key = key;
  }

  /** Here and at a sibling at once. */
  get isContested(): boolean {
    return this.stations.length > 0 && this.links.size > 0;
  }
}

/** What follows from a change of who is where. */
export interface DirectoryEvents<S extends Station, L> {
  /** Siblings must hear that the key is here, and how fresh. */
  present(client: Client<S, L>): void;
  /** Siblings must hear that the key is here no more. */
  left(client: Client<S, L>): void;
  /** Nobody in the region has the key any more. */
  gone(client: Client<S, L>): void;
  /** A sibling has heard the key more recently: this connection has to prove that it lives. */
  outlived(station: S): void;
}

/** A key that is here and elsewhere announces that it spoke here at most this often. */
const CLAIM_EVERY_MS = 250;

/**
 * Who is where. Local connections come and go, siblings' links bring keys and take them along when they end.
 * Keeps R3 and R4 (relay.ts); of several places of one key the freshest wins.
 */
export class Directory<S extends Station, L> {
  readonly #clients = new KeyIndex<Client<S, L>>();
  readonly #brought = new Map<L, Set<Client<S, L>>>();
  readonly #events: DirectoryEvents<S, L>;
  #stations = 0;

  constructor(events: DirectoryEvents<S, L>) {
    this.#events = events;
  }

  /** Whoever has the key that stands in `buffer` at `at`. */
  find(buffer: Buffer, at: number): Client<S, L> | undefined {
    return this.#clients.find(buffer, at);
  }

  /** Clients with at least one connection here. */
  *local(): Generator<Client<S, L>> {
    for (const client of this.#clients.values()) if (client.stations.length > 0) yield client;
  }

  /** How many keys and connections there are. */
  count(): { clients: number; stations: number; remote: number } {
    let remote = 0;
    for (const client of this.#clients.values()) if (client.stations.length === 0) remote += 1;
    return { clients: this.#clients.size, stations: this.#stations, remote };
  }

  /** A new connection: it is active at once, and those of the same key stay open (R4). */
  arrive(station: S): Client<S, L> {
    const client = this.#known(station.key);
    client.stations.push(station);
    this.#stations += 1;
    this.#settle(client);
    this.#events.present(client);
    return client;
  }

  /**
   * A connection spoke. To be called for each read while its client has other connections or other places, and again later
   * for what `CLAIM_EVERY_MS` has put off.
   */
  spoke(client: Client<S, L>, station: S): void {
    if (client.active !== station) {
      client.stations.splice(client.stations.indexOf(station), 1);
      client.stations.push(station); // R4
    }
    const wasElsewhere = client.via !== undefined;
    if (wasElsewhere && station.spokeAt - client.claimedAt < CLAIM_EVERY_MS) {
      client.active = station;
      return;
    }
    this.#settle(client);
    if (!wasElsewhere || client.via !== undefined) return;
    client.claimedAt = station.spokeAt;
    this.#events.present(client);
  }

  /** A connection ended. The one that spoke before it takes over (R4). */
  leave(client: Client<S, L>, station: S): void {
    const at = client.stations.indexOf(station);
    if (at < 0) return;
    client.stations.splice(at, 1);
    this.#stations -= 1;
    this.#settle(client);
    if (client.stations.length === 0) this.#events.left(client);
    this.#forgetIfGone(client);
  }

  /** A sibling has the key, and heard it at `heardAt` of our clock. */
  learn(link: L, key: Buffer, heardAt: number): void {
    const client = this.#known(key);
    const brought = this.#brought.get(link) ?? new Set();
    this.#brought.set(link, brought.add(client));
    client.links.set(link, heardAt);
    const wasHere = client.via === undefined;
    this.#settle(client);
    if (wasHere && client.via !== undefined)
      client.stations.forEach((station) => this.#events.outlived(station));
  }

  /** A sibling has the key no more. What another link brought stays (R3). */
  unlearn(link: L, key: Buffer): void {
    const client = this.#clients.find(key, 0);
    if (!client?.links.delete(link)) return;
    this.#brought.get(link)?.delete(client);
    this.#settle(client);
    this.#forgetIfGone(client);
  }

  /** A link ended: exactly the keys that it brought go with it (R3). */
  unlearnAll(link: L): void {
    for (const client of [...(this.#brought.get(link) ?? [])]) this.unlearn(link, client.key);
    this.#brought.delete(link);
  }

  #known(key: Buffer): Client<S, L> {
    const known = this.#clients.find(key, 0);
    if (known !== undefined) return known;
    const client = new Client<S, L>(Buffer.from(key));
    this.#clients.add(client);
    return client;
  }

  #settle(client: Client<S, L>): void {
    client.active = client.stations.at(-1);
    const elsewhere = freshest(client);
    const here = client.active?.spokeAt ?? -Infinity;
    client.via = (elsewhere?.at ?? -Infinity) > here ? elsewhere?.link : undefined;
  }

  #forgetIfGone(client: Client<S, L>): void {
    if (client.stations.length > 0 || client.links.size > 0) return;
    this.#clients.remove(client);
    client.isGone = true;
    this.#events.gone(client);
  }
}

/** The link whose sibling heard the key last. */
function freshest<L>(client: Client<Station, L>): { link: L; at: number } | undefined {
  let best: { link: L; at: number } | undefined;
  for (const [link, at] of client.links) if (best === undefined || at > best.at) best = { link, at };
  return best;
}
