import { relay } from "@berth/contract";
import type { Call, Handlers, Stream } from "@berth/rpc";
import { CodedError } from "@berth/std";
import type { Relay } from "../relay.ts";
import type { BatchSink } from "./link-sender.ts";
import { type LinkUp, meshService } from "./link-wire.ts";
import { PresenceFeed } from "./presence-feed.ts";
import { SiblingLink } from "./sibling-link.ts";
import type { Sibling } from "./sibling.ts";

/** A dialer pings every second: one that has not been heard for this long is gone, however slow its line. */
const SILENCE_MS = 12_000;

/** What answering needs to know of this side. */
export interface AnsweringSide {
  readonly relay: Relay;
  readonly replicaId: string;
  /** The sibling that dials, made known if it was not. */
  readonly sibling: (replicaId: string) => Sibling;
  readonly linked: (sibling: Sibling) => void;
  readonly unlinked: (sibling: Sibling, why: string) => void;
  /** Aborted at the end: siblings then hear goodbye. */
  readonly farewell: AbortSignal;
  /** Aborted when this relay begins to drain. */
  readonly draining: AbortSignal;
}

/** What siblings may ask of this relay. */
export function meshHandlers(side: AnsweringSide): Handlers<typeof meshService> {
  return {
    link: (stream, call) => answerLink(side, stream, call),
    watchPresence: (stream, call) => answerPresence(side, stream, call),
  };
}

/** Sends this relay's frames until the sibling ends the stream. */
async function answerLink(side: AnsweringSide, stream: Stream<LinkUp, Buffer>, call: Call): Promise<void> {
  let sibling: Sibling | undefined;
  let isOneSided = false;
  const sink: BatchSink = {
    direction: "response",
    send: (batch) => stream.send(batch),
    writable: () => stream.writable(),
  };
  const hear = (message: LinkUp) => {
    if ("hello" in message) {
      sibling = expected(side, message.hello);
      isOneSided = message.hello.oneSided;
      sibling.sender.attach(sink);
    } else if (isOneSided) sibling?.link?.receive(message.batch);
  };
  try {
    await hearUntil(stream, AbortSignal.any([call.signal, side.farewell]), hear);
  } finally {
    sibling?.sender.detach(sink);
  }
}

/** Tells this relay's keys until the sibling ends the stream or falls silent, and learns those of a sibling that nobody can dial. */
async function answerPresence(
  side: AnsweringSide,
  stream: Stream<relay.WatchPresenceRequest, relay.WatchPresenceResponse>,
  call: Call,
): Promise<void> {
  const session = new PresenceSession(side, stream);
  const silence = new AbortController();
  const silent = () => silence.abort();
  let watch = setTimeout(silent, SILENCE_MS);
  const sayDraining = () => stream.send({ message: { $case: "draining", value: { reason: "restarting" } } });
  side.draining.addEventListener("abort", sayDraining);
  try {
    await hearUntil(stream, AbortSignal.any([call.signal, side.farewell, silence.signal]), ({ message }) => {
      clearTimeout(watch);
      watch = setTimeout(silent, SILENCE_MS);
      if (message !== undefined) session.hear(message);
    });
    if (side.farewell.aborted) stream.send({ message: { $case: "goodbye", value: { reason: "stopped" } } });
  } finally {
    clearTimeout(watch);
    side.draining.removeEventListener("abort", sayDraining);
    session.end();
  }
}

class PresenceSession {
  readonly #side: AnsweringSide;
  readonly #stream: Stream<relay.WatchPresenceRequest, relay.WatchPresenceResponse>;
  #feed: PresenceFeed | undefined;
  #sibling: Sibling | undefined;
  #link: SiblingLink | undefined;

  constructor(side: AnsweringSide, stream: Stream<relay.WatchPresenceRequest, relay.WatchPresenceResponse>) {
    this.#side = side;
    this.#stream = stream;
  }

  hear(message: NonNullable<relay.WatchPresenceRequest["message"]>): void {
    switch (message.$case) {
      case "hello":
        return this.#welcome(message.value);
      case "ping":
        this.#stream.send({ message: { $case: "pong", value: message.value } });
        return;
      case "snapshot":
        return this.#learnFirst(message.value);
      case "change":
        return this.#link?.learn(message.value);
    }
  }

  end(): void {
    if (this.#feed !== undefined) this.#side.relay.watchers.delete(this.#feed);
    if (this.#link === undefined || this.#sibling === undefined) return;
    if (this.#sibling.link === this.#link) this.#sibling.link = undefined;
    this.#link.end();
    this.#side.unlinked(this.#sibling, "it ended the presence stream");
  }

  #welcome(hello: relay.Hello): void {
    this.#sibling = expected(this.#side, hello);
    const { relay: own, replicaId } = this.#side;
    this.#stream.send({ message: { $case: "welcome", value: { replicaId, relayKey: own.keys.publicKey } } });
    this.#feed = new PresenceFeed(own.directory, {
      send: (kind, presence) => this.#stream.send({ message: { $case: kind, value: presence } }),
      writable: () => this.#stream.writable(),
    });
    own.watchers.add(this.#feed);
  }

  /** A sibling that cannot be dialed brings its keys itself. */
  #learnFirst(presence: relay.Presence): void {
    if (this.#sibling === undefined) return;
    this.#link?.end();
    this.#link = new SiblingLink(this.#side.relay, this.#sibling.sender);
    this.#link.learn(presence);
    this.#sibling.link = this.#link;
    this.#side.linked(this.#sibling);
  }
}

/** The sibling that dials, if it meant to reach this replica. */
function expected(side: AnsweringSide, hello: relay.Hello): Sibling {
  if (hello.expects === "" || hello.expects === side.replicaId) return side.sibling(hello.from);
  throw new CodedError("failed_precondition", `this is replica ${side.replicaId}, not ${hello.expects}`);
}

/** Hears the stream's messages until the caller ends it, or the signal is aborted. */
async function hearUntil<T>(
  stream: AsyncIterable<T>,
  signal: AbortSignal,
  hear: (message: T) => void,
): Promise<void> {
  const over = Promise.withResolvers<undefined>();
  const end = () => over.resolve(undefined);
  signal.addEventListener("abort", end);
  const heard = async () => {
    for await (const message of stream) if (!signal.aborted) hear(message);
  };
  try {
    await Promise.race([heard(), over.promise]);
  } catch (thrown) {
    if (!signal.aborted) throw thrown; // a caller that has gone is no failure
  } finally {
    signal.removeEventListener("abort", end);
  }
}
