import { randomBytes } from "node:crypto";
import { CodedError } from "@berth/std";
import { carry } from "./carry.ts";
import { DialHandshake, isUnknown } from "./hello.ts";
import type { RelayConnection } from "./relay-connection.ts";
import { TunnelSession } from "./session.ts";
import type { DialOptions, Session } from "./types.ts";
import { PacketKind, SESSION_ID_BYTES } from "./wire.ts";

const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 3_000;
const DIAL_MS = 30_000;

/**
 * Opens a session with the owner of a key, wherever the relays find it.
 * @throws CodedError `unauthenticated` with the reason when the ticket is refused by the peer or the relay, `unavailable` when
 *   nobody answers in time, `cancelled` when the signal is aborted
 */
export async function dial(options: DialOptions<RelayConnection>): Promise<Session> {
  const attempt = new DialAttempt(options);
  try {
    return await attempt.result;
  } finally {
    attempt.stop();
  }
}

class DialAttempt {
  readonly #options: DialOptions<RelayConnection>;
  readonly #sessionId = randomBytes(SESSION_ID_BYTES);
  readonly #handshake: DialHandshake;
  readonly #settled = Promise.withResolvers<TunnelSession>();
  readonly #releases: (() => void)[] = [];
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #sent = 0;
  #sentAt = 0;

  constructor(options: DialOptions<RelayConnection>) {
    const { relay, signal, timeoutMs = DIAL_MS } = options;
    this.#options = options;
    this.#handshake = new DialHandshake(relay.identity, options.peerKey, this.#sessionId, options.ticket);
    const registration = relay.switchboard.register(this.#sessionId, (packet) => this.#hear(packet));
    this.#releases.push(() => registration[Symbol.dispose]());
    const listening = relay.listen({
      up: () => this.#send(),
      down: () => clearTimeout(this.#retry),
      failed: (error) => {
        if (error.code === "unauthenticated") this.#settled.reject(error);
      },
    });
    this.#releases.push(() => listening[Symbol.dispose]());
    if (relay.lastFailure?.code === "unauthenticated") this.#settled.reject(relay.lastFailure);
    const deadline = setTimeout(() => this.#settled.reject(this.#unanswered(timeoutMs)), timeoutMs);
    this.#releases.push(() => clearTimeout(deadline));
    const abort = () => this.#settled.reject(new CodedError("cancelled", "opening a session: given up"));
    signal?.addEventListener("abort", abort);
    this.#releases.push(() => signal?.removeEventListener("abort", abort));
    if (signal?.aborted === true) abort();
  }

  get result(): Promise<TunnelSession> {
    return this.#settled.promise;
  }

  stop(): void {
    clearTimeout(this.#retry);
    for (const release of this.#releases) release();
  }

  #send(): void {
    clearTimeout(this.#retry);
    this.#sent += 1;
    this.#sentAt = performance.now();
    this.#options.relay.send(this.#options.peerKey, this.#handshake.hello);
    this.#retry = setTimeout(() => this.#send(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  #hear(packet: Buffer): void {
    const answer = this.#handshake.read(packet);
    if (answer === undefined) return;
    const { welcome, keys } = answer;
    if (welcome.kind === "refused") {
      const message = `opening a session: the peer refuses the ticket (${welcome.reason})`;
      this.#settled.reject(
        new CodedError("unauthenticated", message, { fields: { reason: welcome.reason } }),
      );
      return;
    }
    this.stop();
    const { relay, peerKey } = this.#options;
    const session = new TunnelSession({
      id: this.#sessionId,
      peerKey,
      keys,
      isDialer: true,
      // An answer to a hello that was repeated may be to any of them.
      roundTripMs: this.#sent === 1 ? performance.now() - this.#sentAt : undefined,
    });
    const registration = relay.switchboard.register(this.#sessionId, (sealed) => {
      if (sealed[1] === PacketKind.sealed) session.receive(sealed);
      else if (isUnknown(sealed, welcome.resetToken)) session.endUnknown();
    });
    void session.ended.then(() => registration[Symbol.dispose]());
    carry(session, relay);
    this.#settled.resolve(session);
  }

  #unanswered(timeoutMs: number): CodedError {
    const { relay } = this.#options;
    const cause = relay.lastFailure;
    const why =
      cause === undefined
        ? "the peer does not answer: it may not be connected"
        : `no relay: ${cause.message}`;
    return new CodedError("unavailable", `opening a session: nothing within ${timeoutMs} ms: ${why}`, {
      cause,
    });
  }
}
