import { relay } from "@berth/contract";
import { type Client, connect } from "@berth/rpc";
import { Backoff, CodedError, RoundTrip, codeOf, messageOf, sleep } from "@berth/std";
import type { Relay } from "../relay.ts";
import type { BatchSink } from "./link-sender.ts";
import { meshService } from "./link-wire.ts";
import { PresenceFeed } from "./presence-feed.ts";
import { SiblingLink } from "./sibling-link.ts";
import type { Sibling } from "./sibling.ts";

/** Bulk is received here, where the window can be raised (derp.md section 6.4): bandwidth × round trip. */
const RECEIVE_WINDOW_BYTES = 8 * 1024 * 1024;
const PING_EVERY_MS = 1_000;
/** A sibling is judged by its own silence alone, plus 3 round trips. */
const SILENCE_MS = 3_000;

/** What dialing needs to know of this side. */
export interface DialingSide {
  readonly relay: Relay;
  readonly replicaId: string;
  readonly deploymentKey: Buffer;
  /** Nobody can dial this relay: its keys and frames go up the streams that it opens itself. */
  readonly isOneSided: () => boolean;
  readonly linked: (sibling: Sibling) => void;
  readonly unlinked: (sibling: Sibling, why: string) => void;
  /** Somebody else answers at the sibling's relay URL. */
  readonly mismatched: (sibling: Sibling, message: string) => void;
}

/** Keeps a link to the sibling until the signal is aborted, re-dialing with jittered backoff. */
export async function keepLinked(side: DialingSide, sibling: Sibling, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff({ firstMs: 50, maxMs: 5_000 });
  while (!signal.aborted) {
    const why = await linkOnce(side, sibling, signal, () => backoff.connected());
    sibling.attempted.resolve();
    if (why !== undefined) side.unlinked(sibling, why);
    await sleep(backoff.nextMs(), signal);
  }
}

/** Dials once and answers why the link ended. */
async function linkOnce(
  side: DialingSide,
  sibling: Sibling,
  signal: AbortSignal,
  up: () => void,
): Promise<string | undefined> {
  const attempt = new Attempt(side, sibling, signal, up);
  try {
    return await attempt.run();
  } catch (thrown) {
    if (signal.aborted) return undefined;
    if (codeOf(thrown) === "failed_precondition") side.mismatched(sibling, messageOf(thrown));
    return messageOf(thrown);
  } finally {
    attempt.end();
  }
}

type MeshClient = Client<typeof meshService>;

/** One dialing of a sibling: two channels of their own, one for frames and one for presence, up and down together. */
class Attempt {
  readonly #side: DialingSide;
  readonly #sibling: Sibling;
  readonly #up: () => void;
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  readonly #roundTrip = new RoundTrip();
  readonly #link: SiblingLink;
  readonly #clients: MeshClient[] = [];
  #heardAt = performance.now();
  #feed: PresenceFeed | undefined;
  #sink: BatchSink | undefined;

  constructor(side: DialingSide, sibling: Sibling, signal: AbortSignal, up: () => void) {
    this.#side = side;
    this.#sibling = sibling;
    this.#up = up;
    this.#signal = AbortSignal.any([signal, this.#over.signal]);
    this.#link = new SiblingLink(side.relay, sibling.sender);
  }

  async run(): Promise<string> {
    return Promise.race([this.#watchPresence(), this.#receiveFrames(), this.#watchSilence()]);
  }

  end(): void {
    this.#over.abort();
    if (this.#feed !== undefined) this.#side.relay.watchers.delete(this.#feed);
    if (this.#sink !== undefined) this.#sibling.sender.detach(this.#sink);
    if (this.#sibling.link === this.#link) this.#sibling.link = undefined;
    this.#link.end();
    for (const client of this.#clients) client[Symbol.dispose]();
  }

  async #watchPresence(): Promise<string> {
    const stream = this.#connect().watchPresence({ signal: this.#signal });
    stream.send({ message: { $case: "hello", value: this.#hello() } });
    const pinging = setInterval(() => {
      const sentAt = BigInt(Math.round(performance.now() * 1000));
      stream.send({ message: { $case: "ping", value: sentAt } });
    }, PING_EVERY_MS);
    this.#signal.addEventListener("abort", () => clearInterval(pinging));
    if (this.#side.isOneSided()) this.#feedPresence(stream);
    for await (const { message } of stream) {
      this.#heardAt = performance.now();
      if (message?.$case === "goodbye") return `it said goodbye: ${message.value.reason}`;
      if (message !== undefined) this.#hearPresence(message);
    }
    return "it ended the presence stream";
  }

  #hearPresence(message: NonNullable<relay.WatchPresenceResponse["message"]>): void {
    switch (message.$case) {
      case "welcome":
        if (message.value.replicaId === this.#sibling.replicaId) return;
        throw new CodedError("failed_precondition", `${message.value.replicaId} answers there`);
      case "snapshot":
        this.#link.learn(message.value);
        this.#sibling.link = this.#link;
        this.#sibling.attempted.resolve();
        this.#up();
        return this.#side.linked(this.#sibling);
      case "change":
        return this.#link.learn(message.value);
      case "pong":
        return this.#hearPong(message.value);
      case "draining": // its link stays until it says goodbye
      case "goodbye":
    }
  }

  #hearPong(sentAt: bigint): void {
    const ms = Math.max(0, performance.now() - Number(sentAt) / 1000);
    this.#roundTrip.measured(ms);
    this.#sibling.roundTrips.add(ms);
  }

  async #receiveFrames(): Promise<string> {
    const stream = this.#connect().link({ signal: this.#signal });
    stream.send({ hello: this.#hello() });
    if (this.#side.isOneSided()) {
      this.#sink = {
        direction: "request",
        send: (batch) => stream.send({ batch }),
        writable: () => stream.writable(),
      };
      this.#sibling.sender.attach(this.#sink);
    }
    for await (const batch of stream) this.#link.receive(batch);
    return "it ended the link stream";
  }

  async #watchSilence(): Promise<string> {
    while (!this.#signal.aborted) {
      await sleep(PING_EVERY_MS / 4, this.#signal);
      const silentMs = performance.now() - this.#heardAt;
      if (silentMs > this.#roundTrip.patienceMs(SILENCE_MS)) return `silent for ${Math.round(silentMs)} ms`;
    }
    return "this relay ends it";
  }

  #feedPresence(stream: ReturnType<MeshClient["watchPresence"]>): void {
    this.#feed = new PresenceFeed(this.#side.relay.directory, {
      send: (kind, presence) => stream.send({ message: { $case: kind, value: presence } }),
      writable: () => stream.writable(),
    });
    this.#side.relay.watchers.add(this.#feed);
  }

  #connect(): MeshClient {
    const client = connect(meshService, {
      targets: [this.#sibling.relayUrl],
      deploymentKey: this.#side.deploymentKey,
      receiveWindowBytes: RECEIVE_WINDOW_BYTES,
      ownConnection: true,
    });
    this.#clients.push(client);
    return client;
  }

  #hello(): relay.Hello {
    return {
      from: this.#side.replicaId,
      expects: this.#sibling.replicaId,
      oneSided: this.#side.isOneSided(),
      traceparent: "",
    };
  }
}
