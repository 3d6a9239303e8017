import { CodedError, deferred, messageOf, sleep } from "@berth/std";
import { agent, msFromDuration } from "@berth/contract";
import type { Call, Stream } from "@berth/rpc";
import { channels } from "../channels.ts";
import { databaseIsAway, untilCommitted } from "../database-away.ts";
import type { EdgeContext } from "../edge-context.ts";
import {
  beginStream,
  endStream,
  standingOf,
  touchAgent,
  type AgentStreamKey,
  type StreamStanding,
} from "./agent-row.ts";
import { authenticateAgent, tokenWasRevoked, type KnownAgent } from "./authenticate.ts";
import { commitAgentMessage } from "./commit-message.ts";
import { endedSessions } from "./end-sessions.ts";
import { readManifest, withRelayTicket } from "./manifest.ts";
import { writeStats } from "./write-stats.ts";

// One stream of one agent process.
//   A1  The newest stream of the newest process is the agent's; older ones end: of the same process in silence, of a former
//       process with Superseded.
//   A2  `disconnected_at` is written only by a stream that ended and was not followed by another within GRACE_MS; a replica
//       that dies or drains writes nothing, and silence is then judged by the readers.
//   A3  A numbered message is acknowledged after its commit; while the database is away it waits.

type AgentStream = Stream<agent.ConnectRequest, agent.ConnectResponse>;

const TOUCH_MS = 10_000;
const SILENCE_MS = 20_000;
/** As long as a re-connect takes over a link of 3 s each way. */
export const GRACE_MS = 15_000;
/** An agent that moved leaves its old stream itself, when it has heard on the new one; this is for those that do not. */
const MOVED_MS = 3_000;
/** Losing a hint costs an agent that waits for its manifest this much; one that has it hears of changes less urgently. */
const WAITING_TICK_MS = 5_000;
const SETTLED_TICK_MS = 60_000;
const TICKET_FRESH_MS = 6 * 60 * 60_000;

/** Serves one stream of an agent until it leaves, another takes over, or its token is revoked. */
export async function connectAgent(edge: EdgeContext, stream: AgentStream, call: Call): Promise<void> {
  const known = await authenticateAgent(edge.database.sql, call.header("coder-agent-token"));
  const over = new AbortController();
  const ended = deferred();
  let line: AgentLine | undefined;
  const reading = (async () => {
    for await (const request of stream) {
      if (request.message?.$case === "hello") {
        if (line !== undefined) throw new CodedError("invalid_argument", "an agent says hello once");
        line = await AgentLine.open(edge, stream, call, known, request.message.value, over.signal);
        line.work().then(ended.resolve, ended.reject);
      } else {
        if (line === undefined) throw new CodedError("invalid_argument", "the first message must be hello");
        line.hear(request);
      }
    }
  })();
  try {
    reading.then(ended.resolve, ended.reject);
    await ended.promise;
  } finally {
    over.abort();
    line?.close();
  }
}

class AgentLine {
  readonly #edge: EdgeContext;
  readonly #stream: AgentStream;
  readonly #key: AgentStreamKey;
  readonly #signal: AbortSignal;
  readonly #draining: AbortSignal;
  readonly #over = deferred();
  #commits: Promise<void> = Promise.resolve();
  #heardAt = performance.now();
  #touchedAt = performance.now();
  #goodbye = false;

  private constructor(
    edge: EdgeContext,
    stream: AgentStream,
    key: AgentStreamKey,
    signal: AbortSignal,
    draining: AbortSignal,
  ) {
    this.#edge = edge;
    this.#stream = stream;
    this.#key = key;
    this.#signal = signal;
    this.#draining = draining;
  }

  static async open(
    edge: EdgeContext,
    stream: AgentStream,
    call: Call,
    known: KnownAgent,
    hello: agent.AgentHello,
    over: AbortSignal,
  ): Promise<AgentLine> {
    const key = await edge.database.transaction((sql) =>
      beginStream(sql, edge.hints, known, hello, edge.replicaId),
    );
    edge.log.info("agent connected", {
      agent: key.agentId,
      workspace: key.workspaceId,
      stream: key.streamSequence,
      version: hello.version,
    });
    return new AgentLine(edge, stream, key, AbortSignal.any([call.signal, over]), call.draining);
  }

  hear({ sequence, message }: agent.ConnectRequest): void {
    this.#heardAt = performance.now();
    if (message === undefined) return; // a newer agent's message that this release does not know
    if (message.$case === "beat") return this.#beat(message.value);
    if (message.$case === "stats") return void this.#stats(message.value);
    if (message.$case === "lifecycle")
      this.#goodbye = message.value.state >= agent.LifecycleState.SHUTTING_DOWN;
    this.#commits = this.#commits.then(() => this.#commit(Number(sequence), message));
  }

  /** Settles when this stream is not the agent's any more. */
  async work(): Promise<void> {
    if (this.#draining.aborted) this.#move();
    else this.#draining.addEventListener("abort", this.#move, { once: true });
    await Promise.race([
      this.#tellManifest(),
      this.#tellEndedSessions(),
      this.#watchStanding(),
      this.#watchSilence(),
      this.#over.promise,
    ]);
  }

  /** A2 */
  close(): void {
    this.#draining.removeEventListener("abort", this.#move);
    const graceMs = this.#goodbye ? 0 : GRACE_MS;
    void (async () => {
      await this.#commits;
      await sleep(graceMs, this.#edge.signal);
      if (this.#edge.signal.aborted) return;
      const { database, hints, log } = this.#edge;
      const gone = await database.transaction((sql) => endStream(sql, hints, this.#key));
      if (gone)
        log.info("agent disconnected", { agent: this.#key.agentId, stream: this.#key.streamSequence });
    })().catch((error: unknown) =>
      this.#edge.log.debug("an agent's silence will be judged by its readers", { reason: messageOf(error) }),
    );
  }

  #send(message: NonNullable<agent.ConnectResponse["message"]>): void {
    this.#stream.send({ message });
  }

  readonly #move = () => this.#send({ $case: "move", value: {} });

  #beat({ sequence, relayRoundTrip }: agent.AgentBeat): void {
    this.#send({ $case: "beat", value: { sequence, serverTime: new Date() } });
    if (performance.now() - this.#touchedAt < TOUCH_MS) return;
    this.#touchedAt = performance.now();
    const roundTripMs = relayRoundTrip === undefined ? undefined : msFromDuration(relayRoundTrip);
    touchAgent(this.#edge.database.sql, this.#key, roundTripMs).then(
      (standing) => this.#judge(standing),
      () => (this.#touchedAt = 0), // the next beat tries again
    );
  }

  async #stats(stats: agent.Stats): Promise<void> {
    try {
      await writeStats(this.#edge.database.sql, this.#key, stats);
    } catch (error) {
      this.#edge.log.debug("an agent's statistics were lost", { reason: messageOf(error) });
    }
  }

  async #commit(sequence: number, message: NonNullable<agent.ConnectRequest["message"]>): Promise<void> {
    if (this.#signal.aborted) return; // what was not acknowledged is sent again on the next stream
    try {
      const commit = () => commitAgentMessage(this.#edge, this.#key, sequence, message);
      const outcome = await untilCommitted(this.#signal, commit); // A3
      if (outcome === undefined) return this.#judge(await standingOf(this.#edge.database.sql, this.#key));
      this.#send({ $case: "ack", value: { sequence: BigInt(sequence) } });
    } catch (error) {
      this.#over.reject(error);
    }
  }

  /** A1 */
  #judge(standing: StreamStanding): void {
    switch (standing.kind) {
      case "current":
        return;
      case "revoked":
        return this.#over.reject(tokenWasRevoked());
      case "superseded":
        this.#send({ $case: "superseded", value: { byIncarnation: standing.by } });
        return this.#over.resolve();
      case "moved":
        return void sleep(MOVED_MS, this.#signal).then(() => this.#over.resolve());
    }
  }

  async #watchStanding(): Promise<void> {
    const { hints, database } = this.#edge;
    await this.#repeat("an agent's standing", async () => {
      const revoked = hints.next(channels.agentRevoked, {
        id: this.#key.agentId,
        tickMs: SETTLED_TICK_MS,
        signal: this.#signal,
      });
      this.#judge(await standingOf(database.sql, this.#key));
      return revoked;
    });
  }

  /** Sends the manifest once the build has ended, and again whenever it reads differently or its ticket grows old. */
  async #tellManifest(): Promise<void> {
    const { hints, signingKeys } = this.#edge;
    const rotated = { again: deferred() };
    using _heard = signingKeys.onChange(() => rotated.again.resolve());
    let sent = { text: "", at: 0 };
    await this.#repeat("an agent's manifest", async () => {
      rotated.again = deferred();
      const tickMs = sent.at === 0 ? WAITING_TICK_MS : SETTLED_TICK_MS;
      const hint = hints.next(channels.agentChanged, { id: this.#key.agentId, tickMs, signal: this.#signal });
      this.#judge(await standingOf(this.#edge.database.sql, this.#key));
      const read = await readManifest(this.#edge, this.#key.agentId);
      if (read === undefined) return hint;
      const text = JSON.stringify(agent.Manifest.toJSON(read.manifest));
      if (text !== sent.text || performance.now() - sent.at > TICKET_FRESH_MS) {
        this.#send({ $case: "manifest", value: withRelayTicket(this.#edge, read) });
        sent = { text, at: performance.now() };
      }
      return Promise.race([hint, rotated.again.promise]);
    });
  }

  async #tellEndedSessions(): Promise<void> {
    const told = new Set<string>();
    await this.#repeat("ended sessions", async () => {
      const { hints, database } = this.#edge;
      const hint = hints.next(channels.sessionsEnded, { tickMs: SETTLED_TICK_MS, signal: this.#signal });
      for (const ending of await endedSessions(database.sql)) {
        const text = JSON.stringify(agent.EndSessions.toJSON(ending));
        if (!told.has(text)) this.#send({ $case: "endSessions", value: ending });
        told.add(text);
      }
      return hint;
    });
  }

  async #watchSilence(): Promise<void> {
    while (!this.#signal.aborted) {
      const silentMs = performance.now() - this.#heardAt;
      if (silentMs > SILENCE_MS)
        throw new CodedError("deadline_exceeded", "the agent was silent for too long");
      await sleep(SILENCE_MS - silentMs + 10, this.#signal);
    }
  }

  /** Runs a step each time the promise that it answers settles, until the stream is over; an absent database is waited for. */
  async #repeat(what: string, step: () => Promise<Promise<void> | void>): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await step();
      } catch (error) {
        if (!databaseIsAway(error)) throw error;
        this.#edge.log.debug(`${what} could not be read`, { reason: messageOf(error) });
        await sleep(1_000, this.#signal);
      }
    }
  }
}
