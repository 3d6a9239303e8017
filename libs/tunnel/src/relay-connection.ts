import { Backoff, CodedError, messageOf, sleep } from "@berth/std";
import { RelayLink } from "./relay-link.ts";
import { raceLinks } from "./relay-race.ts";
import { Switchboard } from "./switchboard.ts";
import type { KeyPair, Path, RelayAddress, RelayConnectionOptions } from "./types.ts";

/** A whole DERP frame of that many bytes fits a stock WebSocket peer's 32 KiB message. */
const MAX_PACKET_BYTES = 32 * 1024 - 5 - 32;
/** A relay that was left keeps delivering for so long what was on its way. */
const LINGER_MS = 2_000;
/** A connection that held so long is replaced at once; one that did not, with backoff. */
const HELD_MS = 1_000;
/** A relay that restarts is left no later, whatever it says. */
const LONGEST_REST_MS = 10_000;

/** What happens to a relay connection. */
export interface RelayConnectionListener {
  /** Connected, or connected anew: what was on its way may be lost. */
  up?(address: RelayAddress): void;
  down?(reason: string): void;
  /** An attempt to connect has failed; others follow. */
  failed?(error: CodedError): void;
}

/**
 * A process's connection to its home relay, shared by all its sessions: it connects again by itself, at once where it can,
 * and moves before a relay ends.
 * Invariants
 *   H1  At most one link is current; a link that was left only delivers.
 *   H2  While a relay says that it restarts, its link stays current until another is up.
 */
export class RelayConnection implements AsyncDisposable {
  readonly identity: KeyPair;
  /** Who hears which packet. */
  readonly switchboard = new Switchboard();
  readonly #options: RelayConnectionOptions;
  readonly #listeners = new Set<RelayConnectionListener>();
  readonly #drains = new Set<() => void>();
  readonly #closing = new AbortController();
  readonly #backoff = new Backoff({ firstMs: 50, maxMs: 2_000, heldMs: 5_000 });
  #current: RelayLink | undefined;
  #lastUrl: string | undefined;
  #upAt = 0;
  #connecting: AbortController | undefined;
  #lastFailure: CodedError | undefined;

  constructor(options: RelayConnectionOptions) {
    this.#options = options;
    this.identity = options.identity;
    this.#connect(0);
  }

  get isUp(): boolean {
    return this.#current !== undefined;
  }

  /** Where it is connected. */
  get address(): RelayAddress | undefined {
    return this.#current?.address;
  }

  /** Round trip to the relay in milliseconds. */
  get roundTripMs(): number | undefined {
    return this.#current?.roundTripMs;
  }

  /** Why the last attempt to connect failed, while it is not up. */
  get lastFailure(): CodedError | undefined {
    return this.isUp ? undefined : this.#lastFailure;
  }

  /** Hears of changes until disposed; `up` is called at once when it is up. */
  listen(listener: RelayConnectionListener): Disposable {
    this.#listeners.add(listener);
    if (this.#current !== undefined) listener.up?.(this.#current.address);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Sends a packet to a key wherever it is; without a relay it is lost. False: much is waiting. */
  send(destination: Buffer, packet: Buffer): boolean {
    return this.#current?.send(destination, [packet]) ?? true;
  }

  /** A path to a key over the relay as it is connected now. */
  path(destination: Buffer): Path & Disposable {
    const link = this.#current;
    const drains = this.#drains;
    let hear: (() => void) | undefined;
    return {
      kind: "relay",
      maxPacketBytes: MAX_PACKET_BYTES,
      send: (parts) => link?.send(destination, parts) ?? true,
      onDrain: (listener) => {
        hear = listener;
        drains.add(listener);
      },
      [Symbol.dispose]: () => {
        if (hear !== undefined) drains.delete(hear);
      },
    };
  }

  /** Leaves the relay once what waits has been sent. Sessions over it are their owners' to close before. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#connecting?.abort();
    const left = this.#current;
    this.#current = undefined;
    await left?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Connects after a while; while it tries, the current link, if there is one, stays in use. */
  #connect(delayMs: number): void {
    if (this.#closing.signal.aborted) return;
    this.#connecting?.abort();
    const connecting = new AbortController();
    this.#connecting = connecting;
    void this.#connectUntilUp(delayMs, connecting.signal).finally(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    });
  }

  async #connectUntilUp(delayMs: number, signal: AbortSignal): Promise<void> {
    const isOver = () => signal.aborted;
    for (let waitMs = delayMs; !isOver(); waitMs = this.#backoff.nextMs()) {
      if (waitMs > 0) await sleep(waitMs, signal);
      const opened = isOver() ? undefined : await this.#tryAll(signal);
      if (opened === undefined) continue;
      if (!isOver() && !opened.hasEnded) return this.#adopt(opened);
      void opened.close();
    }
  }

  async #tryAll(signal: AbortSignal): Promise<RelayLink | undefined> {
    try {
      return await raceLinks(this.#candidates(), (address, given) => this.#open(address, given), signal);
    } catch (cause) {
      const failure =
        cause instanceof CodedError ? cause : new CodedError("unavailable", messageOf(cause), { cause });
      this.#lastFailure = failure;
      if (!signal.aborted) for (const listener of this.#listeners) listener.failed?.(failure);
      return undefined;
    }
  }

  /** The relays of the home region, the one that we leave or have lost last: no packet passes between regions. */
  #candidates(): RelayAddress[] {
    const relays = this.#options.relays();
    const home = relays.filter(({ regionId }) => regionId === relays[0]?.regionId);
    const isLeft = ({ url }: RelayAddress) => url === this.#lastUrl;
    return [...home.filter((address) => !isLeft(address)), ...home.filter(isLeft)];
  }

  #open(address: RelayAddress, signal: AbortSignal): Promise<RelayLink> {
    const listener = {
      packet: (packet: Buffer, from: Buffer) => this.switchboard.receive(packet, from),
      drained: () => this.#drained(),
      restarting: (link: RelayLink) => {
        if (link === this.#current) this.#move(link);
      },
      ended: (link: RelayLink, reason: string) => {
        if (link === this.#current) this.#lost(reason);
      },
    };
    return RelayLink.open(address, this.identity, this.#options.ticket(), listener, signal);
  }

  #adopt(link: RelayLink): void {
    const left = this.#current;
    this.#current = link; // H1
    this.#lastUrl = link.address.url;
    this.#upAt = performance.now();
    this.#lastFailure = undefined;
    this.#backoff.connected();
    if (left !== undefined) this.#linger(left);
    for (const listener of this.#listeners) listener.up?.(link.address);
    this.#move(link);
  }

  /** Connects elsewhere while this link is still in use, if its relay has said that it restarts: H2. */
  #move(link: RelayLink): void {
    if (link.restartInMs === undefined) return;
    this.#connect(Math.max(Math.min(link.restartInMs, LONGEST_REST_MS), this.#restDelayMs()));
  }

  #linger(left: RelayLink): void {
    const leave = () => {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener("abort", leave);
      void left.close();
    };
    const timer = setTimeout(leave, LINGER_MS);
    this.#closing.signal.addEventListener("abort", leave);
  }

  #lost(reason: string): void {
    this.#current = undefined;
    for (const listener of this.#listeners) listener.down?.(reason);
    this.#connect(this.#restDelayMs());
  }

  /** Nothing after a connection that held; else backoff, or a relay that accepts and drops would be hammered. */
  #restDelayMs(): number {
    return performance.now() - this.#upAt >= HELD_MS ? 0 : this.#backoff.nextMs();
  }

  /** Sessions take turns at being first. */
  #drained(): void {
    const [first] = this.#drains;
    if (first !== undefined) {
      this.#drains.delete(first);
      this.#drains.add(first);
    }
    for (const hear of [...this.#drains]) hear();
  }
}
