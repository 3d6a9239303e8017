import { randomBytes } from "node:crypto";
import type { TransportKeys } from "../src/noise.ts";
import { TunnelSession, type SessionOptions } from "../src/session.ts";
import type { Path } from "../src/types.ts";

/** What a link does to packets; each is a probability, drawn from the link's own generator. */
export interface Weather {
  readonly drop?: number;
  readonly duplicate?: number;
  /** Holds a packet back behind the next ones: what only direct paths and malicious relays do. */
  readonly reorder?: number;
  /** Changes a byte. */
  readonly corrupt?: number;
}

/** A small seeded generator, so that a failing run replays. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 12)) >>> 0) / 2 ** 32;
  };
}

/** One direction of a path between two sessions in this process: packets arrive in later turns of the event loop. */
export class LossyPath implements Path {
  readonly kind: Path["kind"];
  readonly maxPacketBytes = 4096;
  readonly #deliver: (packet: Buffer) => void;
  readonly #random: () => number;
  weather: Weather;
  isCut = false;
  /** Every packet that was ever sent, for replays. */
  readonly seen: Buffer[] = [];
  #queue: Buffer[] = [];
  #isScheduled = false;
  #drained: () => void = () => undefined;
  #isFull = false;

  constructor(kind: Path["kind"], weather: Weather, random: () => number, deliver: (packet: Buffer) => void) {
    this.kind = kind;
    this.weather = weather;
    this.#random = random;
    this.#deliver = deliver;
  }

  send(parts: readonly Buffer[]): boolean {
    const packet = Buffer.concat(parts);
    this.seen.push(packet);
    if (this.isCut || this.#random() < (this.weather.drop ?? 0)) return true;
    this.#queue.push(this.#random() < (this.weather.corrupt ?? 0) ? this.#corrupted(packet) : packet);
    if (this.#random() < (this.weather.duplicate ?? 0)) this.#queue.push(packet);
    this.#schedule();
    this.#isFull = this.#queue.length > 16;
    return !this.#isFull;
  }

  onDrain(hear: () => void): void {
    this.#drained = hear;
  }

  #corrupted(packet: Buffer): Buffer {
    const changed = Buffer.from(packet);
    const at = Math.floor(this.#random() * changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 + Math.floor(this.#random() * 255));
    return changed;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const packets = this.#queue;
    this.#queue = [];
    const late: Buffer[] = [];
    for (const packet of packets) {
      if (this.isCut) continue;
      if (this.#random() < (this.weather.reorder ?? 0)) late.push(packet);
      else this.#deliver(packet);
    }
    this.#queue.unshift(...late);
    if (this.#queue.length > 0) this.#schedule();
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#drained();
  }
}

/** Two sessions with the keys of one handshake, joined by replaceable paths. */
export class SessionPair {
  readonly random: () => number;
  readonly dialer: TunnelSession;
  readonly acceptor: TunnelSession;
  readonly paths: LossyPath[] = [];
  there: LossyPath;
  back: LossyPath;

  constructor(
    options: {
      seed?: number;
      kind?: Path["kind"];
      weather?: Weather;
      dialer?: Partial<SessionOptions>;
      acceptor?: Partial<SessionOptions>;
    } = {},
  ) {
    this.random = seeded(options.seed ?? 1);
    const [one, two, handshakeHash] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const id = randomBytes(8);
    const keys: TransportKeys = { send: one, receive: two, handshakeHash };
    const mirrored: TransportKeys = { send: two, receive: one, handshakeHash };
    const peerKey = randomBytes(32);
    this.dialer = new TunnelSession({ id, peerKey, keys, isDialer: true, ...options.dialer });
    this.acceptor = new TunnelSession({
      id,
      peerKey,
      keys: mirrored,
      isDialer: false,
      ...options.acceptor,
    });
    this.there = this.#newPath("there", options.kind ?? "relay", options.weather ?? {});
    this.back = this.#newPath("back", options.kind ?? "relay", options.weather ?? {});
    this.dialer.usePath(this.there);
    this.acceptor.usePath(this.back);
  }

  /** The dialer's or the acceptor's path dies with all that is on it, and another takes its place. */
  replace(which: "there" | "back"): void {
    const old = this[which];
    old.isCut = true;
    const fresh = this.#newPath(which, old.kind, old.weather);
    this[which] = fresh;
    (which === "there" ? this.dialer : this.acceptor).usePath(fresh);
  }

  async close(): Promise<void> {
    await this.dialer.close();
    await this.acceptor.close();
  }

  #newPath(which: "there" | "back", kind: Path["kind"], weather: Weather): LossyPath {
    const path = new LossyPath(kind, weather, this.random, (packet) =>
      (which === "there" ? this.acceptor : this.dialer).receive(packet),
    );
    this.paths.push(path);
    return path;
  }
}

/** Turns of the event loop, with a clock that the test moves: a hundred seconds pass in a moment. */
export async function runUntil(
  isDone: () => boolean,
  advance: (ms: number) => unknown,
  limitTurns = 200_000,
): Promise<void> {
  for (let turn = 0; turn < limitTurns; turn++) {
    if (isDone()) return;
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 4 === 3) await advance(1);
  }
  throw new Error("the sessions did not come to an end");
}
