import type { relay } from "@berth/contract";
import { type FramePart, FrameReader, KEY_BYTES } from "@berth/derp";
import type { KnownClient, Link } from "../forwarder.ts";
import type { Relay } from "../relay.ts";
import type { LinkSender } from "./link-sender.ts";

/**
 * One connectedness of a sibling: the keys it brought, and the frames that came over it. It ends as a whole, and a new one
 * begins from nothing (R3).
 */
export class SiblingLink implements Link {
  lastSource: KnownClient | undefined;
  lastDestination: KnownClient | undefined;
  readonly #relay: Relay;
  readonly #sender: LinkSender;
  readonly #reader: FrameReader;
  #ended = false;

  constructor(relay: Relay, sender: LinkSender) {
    this.#relay = relay;
    this.#sender = sender;
    this.#reader = new FrameReader("mesh", (_type, buffer, start, end) =>
      relay.forwarder.fromLink(this, buffer, start, end),
    );
  }

  forward(source: Buffer, frame: Buffer, start: number, end: number): void {
    this.#sender.add(source, frame, start, end);
  }

  forwardParts(source: Buffer, parts: readonly FramePart[]): void {
    this.#sender.addParts(source, parts);
  }

  /** A batch of the sibling's frames. @throws DerpProtocolError when it holds anything else. */
  receive(batch: Buffer): void {
    this.#reader.read(batch);
    this.#relay.forwarder.endOfRead();
  }

  /** What the sibling says of its keys. */
  learn(presence: relay.Presence): void {
    if (this.#ended) return;
    const now = performance.now();
    for (const key of presence.gone) this.#relay.directory.unlearn(this, key);
    for (const { key, idleMs } of presence.present)
      if (key.length === KEY_BYTES) this.#relay.directory.learn(this, key, now - idleMs);
  }

  end(): void {
    this.#ended = true;
    this.#relay.directory.unlearnAll(this);
  }
}
