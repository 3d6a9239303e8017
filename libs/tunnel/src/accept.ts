import { CodedError } from "@berth/std";
import { carry } from "./carry.ts";
import { openHello, resetTokenOf, unknownPacket, type Hello } from "./hello.ts";
import type { RelayConnection } from "./relay-connection.ts";
import { SeenHellos } from "./seen-hellos.ts";
import { TunnelSession } from "./session.ts";
import { verifyTicket } from "./ticket.ts";
import type { AcceptOptions, Acceptor, Session, StreamTarget, TicketClaims } from "./types.ts";
import { PacketKind, SESSION_ID_BYTES } from "./wire.ts";

/** Sessions whose dialer has not shown yet that it is alive. */
const MAX_HALF_OPEN = 256;
const HALF_OPEN_MS = 30_000;
const SWEEP_MS = 10_000;
/** Answers to packets of unknown sessions, per sweep: enough for every dialer, too few to be of use to anybody else. */
const MAX_UNKNOWN_ANSWERS = 100;

/** Takes sessions from whoever brings a good ticket. */
export function accept(options: AcceptOptions<RelayConnection>): Acceptor {
  return new TunnelAcceptor(options);
}

interface HalfOpen {
  readonly session: TunnelSession;
  readonly since: number;
}

/**
 * Invariants
 *   A1  A hello begins at most one session, however often it is played.
 *   A2  A session whose dialer has not sent an authentic packet is half-open: nobody hears of it, and there are at most
 *       MAX_HALF_OPEN, the oldest giving way.
 *   A3  A session lasts no longer than its last ticket's `relayUntil`, by the server's clock.
 *   A4  A session keeps its id: nobody else's packets take its place, and whoever ends sessions finds it.
 */
class TunnelAcceptor implements Acceptor {
  readonly #options: AcceptOptions<RelayConnection>;
  readonly #seen = new SeenHellos();
  readonly #halfOpen = new Map<string, HalfOpen>();
  readonly #sessions = new Map<string, TunnelSession>();
  readonly #strangers: Disposable;
  readonly #sweeping: NodeJS.Timeout;
  #unknownAnswers = 0;

  constructor(options: AcceptOptions<RelayConnection>) {
    this.#options = options;
    this.#strangers = options.relay.switchboard.onStranger((packet, from) => this.#hear(packet, from));
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  get sessions(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  endSessions(matches: (ticket: TicketClaims) => boolean, reason: string): void {
    const all = [...this.#sessions.values(), ...[...this.#halfOpen.values()].map(({ session }) => session)];
    for (const session of all)
      if (session.ticket !== undefined && matches(session.ticket)) void session.close(reason);
  }

  close(): Promise<void> {
    clearInterval(this.#sweeping);
    this.#strangers[Symbol.dispose]();
    this.endSessions(() => true, "the agent is ending");
    return Promise.resolve();
  }

  #hear(packet: Buffer, from: Buffer): void {
    if (packet[1] === PacketKind.hello) {
      const hello = openHello(this.#options.relay.identity, packet);
      if (hello !== undefined) this.#greet(hello);
    } else if (packet[1] === PacketKind.sealed) this.#answerUnknown(packet, from);
  }

  #greet(hello: Hello): void {
    const { relay } = this.#options;
    const before = this.#seen.answerTo(hello.ephemeral);
    if (before !== undefined) return void relay.send(hello.peerKey, before); // A1
    const verdict = this.#judge(hello.ticket, hello.peerKey, "start");
    if (!verdict.valid) return this.#refuse(hello, verdict.reason);
    const obstacle = this.#obstacle(hello.sessionId);
    if (obstacle !== undefined) return this.#refuse(hello, obstacle);
    const resetToken = resetTokenOf(relay.identity, hello.sessionId);
    const { packet, keys } = hello.answer({ kind: "accepted", resetToken });
    this.#seen.remember(hello.ephemeral, packet, verdict.claims.startBefore);
    this.#begin(hello, verdict.claims, keys);
    relay.send(hello.peerKey, packet);
  }

  #refuse(hello: Hello, reason: string): void {
    this.#options.relay.send(hello.peerKey, hello.answer({ kind: "refused", reason }).packet);
  }

  /** Why a session cannot begin now, whoever asks. */
  #obstacle(sessionId: Buffer): string | undefined {
    if (this.#seen.isFull) return "too many sessions are being opened";
    const id = sessionId.toString("hex");
    return this.#halfOpen.has(id) || this.#sessions.has(id) ? "the session's id is taken" : undefined; // A4
  }

  #judge(ticket: string, peerKey: Buffer, purpose: "start" | "relay") {
    const { deploymentId, agentId, relay, isRevoked } = this.#options;
    const verdict = verifyTicket(ticket, this.#options.ticketKeys(), {
      purpose,
      now: this.#options.serverNow(),
      deploymentId,
      agentId,
      agentKey: relay.identity.publicKey.toString("hex"),
      bearerKey: peerKey.toString("hex"),
    });
    if (verdict.valid && isRevoked?.(verdict.claims) === true)
      return { valid: false, reason: "revoked" } as const;
    return verdict;
  }

  #begin(hello: Hello, claims: TicketClaims, keys: ReturnType<Hello["answer"]>["keys"]): void {
    const { relay } = this.#options;
    const { sessionId, peerKey } = hello;
    const session = new TunnelSession({
      id: sessionId,
      peerKey,
      keys,
      isDialer: false,
      ticket: claims,
      admit: demandPermission,
      onAlive: () => this.#open(session),
      onTicket: (token) => this.#renewed(token, peerKey),
    });
    const registration = relay.switchboard.register(sessionId, (packet) => session.receive(packet));
    this.#halfOpen.set(session.id, { session, since: performance.now() });
    void session.ended.then(() => {
      registration[Symbol.dispose]();
      this.#halfOpen.delete(session.id);
      this.#sessions.delete(session.id);
    });
    carry(session, relay);
    const [oldest] = this.#halfOpen.values();
    if (this.#halfOpen.size > MAX_HALF_OPEN) void oldest?.session.close("too many half-open sessions"); // A2
  }

  #open(session: TunnelSession): void {
    this.#halfOpen.delete(session.id);
    this.#sessions.set(session.id, session);
    this.#options.onSession(session);
  }

  #renewed(token: string, peerKey: Buffer): TicketClaims | undefined {
    const verdict = this.#judge(token, peerKey, "relay");
    return verdict.valid && verdict.claims.kind === "session" ? verdict.claims : undefined;
  }

  #answerUnknown(packet: Buffer, from: Buffer): void {
    if (this.#unknownAnswers++ >= MAX_UNKNOWN_ANSWERS) return;
    const sessionId = packet.subarray(2, 2 + SESSION_ID_BYTES);
    this.#options.relay.send(from, unknownPacket(this.#options.relay.identity, sessionId));
  }

  #sweep(): void {
    const now = performance.now();
    const serverNow = this.#options.serverNow();
    this.#unknownAnswers = 0;
    this.#seen.forget(serverNow);
    for (const { session, since } of this.#halfOpen.values())
      if (now - since > HALF_OPEN_MS) void session.close("the handshake was not finished");
    for (const session of this.#sessions.values())
      if ((session.ticket?.relayUntil ?? 0) <= serverNow) void session.close("the ticket has expired"); // A3
  }
}

function demandPermission(target: StreamTarget, ticket: TicketClaims | undefined): void {
  if (ticket?.permissions?.includes(target.service) === true) return;
  throw new CodedError("permission_denied", `the ticket does not permit ${target.service}`);
}
