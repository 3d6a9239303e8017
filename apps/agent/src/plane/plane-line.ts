import { CodedError, deferred } from "@berth/std";
import { agent, durationFromMs } from "@berth/contract";
import { type ClientStream, connect } from "@berth/rpc";
import { Beats } from "./beats.ts";
import type { Outbox } from "./outbox.ts";
import type { ServerClock } from "./server-clock.ts";

/** Why a line is over. */
export type LineEnd =
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "token_unknown" }
  | { readonly kind: "token_revoked" }
  | { readonly kind: "superseded" }
  | { readonly kind: "left" };

/** What the control plane says that is no answer to us. */
export type PlaneWord =
  | { readonly $case: "manifest"; readonly value: agent.Manifest }
  | { readonly $case: "endSessions"; readonly value: agent.EndSessions }
  | { readonly $case: "shutDown" };

export interface LineOptions {
  readonly target: string;
  readonly token: string;
  readonly hello: () => agent.AgentHello;
  readonly outbox: Outbox;
  readonly clock: ServerClock;
  readonly relayRoundTripMs: () => number | undefined;
  readonly hear: (word: PlaneWord) => void;
}

const BEAT_MS = 2_500;
const LOOK_MS = 250;
const SILENCE = { first: 30_000, later: 5_000 };

/**
 * One stream to one replica, on a connection of its own: a successor that is opened before this one is left takes another
 * way through the load balancer.
 */
export class PlaneLine {
  readonly #options: LineOptions;
  readonly #client;
  readonly #stream: ClientStream<agent.ConnectRequest, agent.ConnectResponse>;
  readonly #beats = new Beats();
  readonly #up = deferred();
  readonly #move = deferred();
  readonly #ended = deferred<LineEnd>();
  #over = false;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#client = connect(agent.AgentServiceService, {
      targets: [options.target],
      headers: { "coder-agent-token": options.token },
      ownConnection: true,
    });
    this.#stream = this.#client.connect();
    this.#send({ $case: "hello", value: options.hello() });
    this.#beat();
    const beating = setInterval(() => this.#beat(), BEAT_MS);
    const looking = setInterval(() => {
      if (this.#beats.isSilent(SILENCE)) this.#end({ kind: "lost", reason: "no answer to our beats" });
    }, LOOK_MS);
    void this.#ended.promise.then(() => {
      clearInterval(beating);
      clearInterval(looking);
      this.#client[Symbol.dispose]();
    });
    void this.#read();
  }

  /** Settles when the replica has answered for the first time. */
  get up(): Promise<void> {
    return this.#up.promise;
  }

  /** Settles when the replica asks us to go elsewhere. */
  get moveAsked(): Promise<void> {
    return this.#move.promise;
  }

  get ended(): Promise<LineEnd> {
    return this.#ended.promise;
  }

  get roundTripMs(): number | undefined {
    return this.#beats.roundTripMs;
  }

  /** Makes this the line that the outbox is sent on, until it ends. */
  async deliver(): Promise<void> {
    const { outbox } = this.#options;
    outbox.restart();
    while (!this.#over) {
      const message = outbox.take();
      if (message === undefined) await outbox.changed();
      else if (!this.#stream.send(message)) await this.#stream.writable();
    }
  }

  sendStats(stats: agent.Stats): void {
    this.#send({ $case: "stats", value: stats });
  }

  leave(): void {
    this.#end({ kind: "left" });
  }

  #send(message: NonNullable<agent.ConnectRequest["message"]>): void {
    if (!this.#over) this.#stream.send({ sequence: 0n, message });
  }

  #beat(): void {
    const relayMs = this.#options.relayRoundTripMs();
    const relayRoundTrip = relayMs === undefined ? undefined : durationFromMs(relayMs);
    this.#send({ $case: "beat", value: { sequence: this.#beats.next(), relayRoundTrip } });
  }

  async #read(): Promise<void> {
    try {
      for await (const response of this.#stream) {
        if (this.#over) return;
        this.#beats.heard();
        this.#up.resolve();
        this.#hear(response.message);
      }
      this.#end({ kind: "lost", reason: "the replica ended the stream" });
    } catch (error) {
      this.#end(endOf(error));
    }
  }

  #hear(message: agent.ConnectResponse["message"]): void {
    if (message === undefined) return; // a newer replica's word that this release does not know
    switch (message.$case) {
      case "beat":
        return this.#answered(message.value);
      case "ack":
        return this.#options.outbox.acknowledged(message.value.sequence);
      case "superseded":
        return this.#end({ kind: "superseded" });
      case "move":
        return this.#move.resolve();
      case "shutDown":
        return this.#options.hear({ $case: "shutDown" });
      case "manifest":
      case "endSessions":
        return this.#options.hear(message);
    }
  }

  #answered({ sequence, serverTime }: agent.AgentBeatAck): void {
    const roundTripMs = this.#beats.answered(sequence);
    if (roundTripMs !== undefined && serverTime !== undefined)
      this.#options.clock.heard(serverTime, roundTripMs);
  }

  #end(end: LineEnd): void {
    this.#over = true;
    this.#ended.resolve(end); // the first stands
    this.#options.outbox.wake(); // `deliver` looks again: a race of the two would keep something of every message
  }
}

/** The first word of the message tells the two apart: proto/berth/agent/v1. */
function endOf(error: unknown): LineEnd {
  if (!(error instanceof CodedError)) throw error;
  if (error.code !== "unauthenticated") return { kind: "lost", reason: error.message };
  return { kind: error.message.startsWith("token_revoked") ? "token_revoked" : "token_unknown" };
}
