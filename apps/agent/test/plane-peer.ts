import { randomUUID } from "node:crypto";
import { agent, durationFromMs } from "@berth/contract";
import { type Call, type Listener, openListener, type Stream } from "@berth/rpc";
import { CodedError } from "@berth/std";
import { createMetrics } from "@berth/telemetry";
import { eventually, recordedLog, temporaryFolder } from "@berth/testing";
import { SmallRelay } from "./small-relay.ts";

type Line = Stream<agent.ConnectRequest, agent.ConnectResponse>;
type Message = NonNullable<agent.ConnectRequest["message"]>;

export const TOKEN = "5c1d7e2a-8f0b-4c60-9f0e-3a4f5b6c7d8e";
export const AGENT_ID = randomUUID();

/** One stream of an agent as the peer sees it. */
export interface SeenStream {
  readonly hello: agent.AgentHello;
  readonly send: (message: NonNullable<agent.ConnectResponse["message"]>) => void;
  readonly fail: (error: unknown) => void;
  ended: boolean;
  /** How many other streams were open when it said hello. */
  readonly beside: number;
}

/** How the peer behaves; changed while it runs. */
export interface Behaviour {
  /** What a stream is refused with. */
  refuse?: string | undefined;
  acknowledge: boolean;
  answerBeats: boolean;
  /** Every stream is asked to move at once. */
  isDraining?: boolean;
  manifest?: agent.Manifest | undefined;
}

/** A control plane of one service, which does what the test tells it and remembers what it heard. */
export class PlanePeer implements AsyncDisposable {
  readonly streams: SeenStream[] = [];
  /** Numbered messages as they came, repeats too. */
  readonly received: { readonly sequence: bigint; readonly message: Message; readonly stream: number }[] = [];
  readonly stats: agent.Stats[] = [];
  attempts = 0;
  readonly behaviour: Behaviour = { acknowledge: true, answerBeats: true };
  readonly relay: SmallRelay;
  readonly #listener: Listener;
  readonly #folder: AsyncDisposable;

  private constructor(listener: Listener, folder: AsyncDisposable) {
    this.#listener = listener;
    this.#folder = folder;
    this.relay = new SmallRelay(listener);
    listener.grpc(
      agent.AgentServiceService,
      { connect: (stream, call) => this.#connect(stream, call) },
      "public",
    );
  }

  static async start(behaviour: Partial<Behaviour> = {}): Promise<PlanePeer> {
    const folder = await temporaryFolder();
    const listener = await openListener({
      address: { host: "127.0.0.1", port: 0 },
      folder: folder.path,
      log: recordedLog(),
      metrics: createMetrics(),
    });
    const peer = new PlanePeer(listener, folder);
    Object.assign(peer.behaviour, behaviour);
    return peer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.port}`;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Waits until so many streams have said hello, and answers the last of them. */
  stream(count = 1): Promise<SeenStream> {
    return eventually(
      () => {
        const stream = this.streams[count - 1];
        if (stream === undefined) throw new Error(`${this.streams.length} of ${count} streams`);
        return stream;
      },
      { withinMs: 20_000 },
    );
  }

  /** Each numbered message once, in order. */
  get messages(): Message[] {
    return [...new Map(this.received.map(({ sequence, message }) => [sequence, message]))]
      .sort(([a], [b]) => Number(a - b))
      .map(([, message]) => message);
  }

  get lifecycle(): string[] {
    return this.messages.flatMap((message) =>
      message.$case === "lifecycle" ? [agent.lifecycleStateToJSON(message.value.state)] : [],
    );
  }

  /** Lines of a source, `output` only. */
  lines(source: string): string[] {
    return this.messages.flatMap((message) =>
      message.$case === "logs" && message.value.logSourceId === source
        ? message.value.lines.map(({ output }) => output)
        : [],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.close();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #connect(stream: Line, call: Call): Promise<void> {
    this.attempts += 1;
    if (this.behaviour.refuse !== undefined) throw new CodedError("unauthenticated", this.behaviour.refuse);
    if (call.header("coder-agent-token") !== TOKEN)
      throw new CodedError("unauthenticated", "token_unknown: other");
    const failed = Promise.withResolvers<never>();
    const reading = this.#read(stream, failed.reject);
    reading.catch(() => undefined);
    await Promise.race([reading, failed.promise]);
  }

  async #read(stream: Line, fail: (error: unknown) => void): Promise<void> {
    let seen: SeenStream | undefined;
    const send: SeenStream["send"] = (message) => void stream.send({ message });
    try {
      for await (const { sequence, message } of stream) {
        if (message === undefined) continue;
        if (message.$case === "hello") {
          const beside = this.streams.filter(({ ended }) => !ended).length;
          seen = { hello: message.value, send, fail, ended: false, beside };
          this.streams.push(seen);
          if (this.behaviour.isDraining === true) send({ $case: "move", value: {} });
          if (this.behaviour.manifest !== undefined)
            send({ $case: "manifest", value: this.behaviour.manifest });
        } else if (message.$case === "beat") {
          const { sequence: beat } = message.value;
          if (this.behaviour.answerBeats)
            send({ $case: "beat", value: { sequence: beat, serverTime: new Date() } });
        } else if (message.$case === "stats") this.stats.push(message.value);
        else {
          this.received.push({ sequence, message, stream: this.streams.length });
          if (this.behaviour.acknowledge) send({ $case: "ack", value: { sequence } });
        }
      }
    } finally {
      if (seen !== undefined) seen.ended = true;
    }
  }
}

/** A manifest of nothing, with what the test is about. */
export function manifestOf(fields: Partial<agent.Manifest> = {}): agent.Manifest {
  return {
    ...agent.Manifest.create({
      agentId: AGENT_ID,
      agentName: "main",
      workspaceId: randomUUID(),
      workspaceName: "dev",
      ownerUsername: "ann",
      derpMapJson: "{}",
      agentLogSourceId: randomUUID(),
      deploymentId: randomUUID(),
      statsInterval: durationFromMs(60_000),
    }),
    ...fields,
  };
}

/** A start script, with what the test is about. */
export function scriptOf(source: string, fields: Partial<agent.AgentScript> = {}): agent.AgentScript {
  return {
    ...agent.AgentScript.create({ id: randomUUID(), logSourceId: randomUUID(), source, runOnStart: true }),
    ...fields,
  };
}
