import { randomUUID } from "node:crypto";
import { provisioner } from "@berth/contract";
import { CodedError } from "@berth/std";
import { eventually } from "@berth/testing";
import type { Replica } from "./deployment.ts";

type Down = NonNullable<provisioner.AcquireJobResponse["message"]>;
type JobDown = NonNullable<provisioner.RunJobResponse["message"]>;
type JobUp = NonNullable<provisioner.RunJobRequest["message"]>;

/** What a stream brought and how it ended, kept for assertions. */
export class Heard<T> {
  readonly messages: T[] = [];
  ended: { readonly code: string; readonly message: string } | undefined;

  constructor(stream: AsyncIterable<{ message: T | undefined }>) {
    void (async () => {
      try {
        for await (const { message } of stream) if (message !== undefined) this.messages.push(message);
        this.ended = { code: "ok", message: "" };
      } catch (error) {
        const code = error instanceof CodedError ? error.code : "internal";
        this.ended = { code, message: error instanceof Error ? error.message : String(error) };
      }
    })();
  }

  async until<Found extends T>(find: (message: T) => message is Found, count = 1): Promise<Found> {
    return eventually(() => {
      const found = this.messages.filter(find);
      if (found.length < count)
        throw new Error(`heard only ${JSON.stringify(this.messages, show)} ${JSON.stringify(this.ended)}`);
      return found[count - 1]!;
    });
  }

  end(): Promise<{ readonly code: string; readonly message: string }> {
    return eventually(() => {
      if (this.ended === undefined) throw new Error("the stream is still open");
      return this.ended;
    });
  }
}

const show = (_key: string, value: unknown) => (typeof value === "bigint" ? Number(value) : value);

/** A daemon as the wire sees it; `process` survives its streams. */
export interface DaemonIdentity {
  readonly daemonId: string;
  readonly incarnation: string;
  readonly tags: Record<string, string>;
  readonly machineId: string;
}

export function newDaemon(options: Partial<DaemonIdentity> = {}): DaemonIdentity {
  return { daemonId: randomUUID(), incarnation: randomUUID(), tags: {}, machineId: "", ...options };
}

/** A daemon's line for jobs at one replica. */
export class AcquireLine {
  readonly heard: Heard<Down>;
  readonly #stream: ReturnType<ReturnType<Replica["daemons"]>["acquireJob"]>;

  constructor(replica: Replica, daemon: DaemonIdentity, headers?: Record<string, string>) {
    this.#stream = replica.daemons(headers).acquireJob();
    this.heard = new Heard(this.#stream);
    this.send({
      $case: "hello",
      value: { ...daemon, name: "daemon", version: "v0", apiVersion: "1", provisioners: ["terraform"] },
    });
  }

  send(message: NonNullable<provisioner.AcquireJobRequest["message"]>): void {
    this.#stream.send({ traceparent: "", message });
  }

  ready(sequence = 1): void {
    this.send({ $case: "ready", value: { sequence: BigInt(sequence) } });
  }

  async job(count = 1): Promise<provisioner.Job> {
    return (await this.heard.until((m) => m.$case === "job", count)).value;
  }

  accept(job: provisioner.Job): void {
    this.send({ $case: "accepted", value: { jobId: job.jobId, epoch: job.epoch } });
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

/** An attachment of a daemon to its job. */
export class RunLine {
  readonly heard: Heard<JobDown>;
  readonly #stream: ReturnType<ReturnType<Replica["daemons"]>["runJob"]>;
  sequence = 0;

  constructor(
    replica: Replica,
    daemon: DaemonIdentity,
    job: { readonly jobId: string; readonly epoch: bigint },
  ) {
    this.#stream = replica.daemons().runJob();
    this.heard = new Heard(this.#stream);
    const { daemonId, incarnation } = daemon;
    this.#send(0, {
      $case: "attach",
      value: { jobId: job.jobId, epoch: job.epoch, daemonId, incarnation, traceparent: "" },
    });
  }

  async attached(): Promise<provisioner.Attached> {
    return (await this.heard.until((m) => m.$case === "attached")).value;
  }

  /** Sends the next numbered message; answers its number. */
  say(message: JobUp): number {
    this.sequence += 1;
    this.#send(this.sequence, message);
    return this.sequence;
  }

  beat(sequence: number): void {
    this.#send(0, { $case: "beat", value: { sequence: BigInt(sequence) } });
  }

  log(...outputs: readonly string[]): number {
    const first = this.#lines;
    this.#lines += outputs.length;
    return this.say({
      $case: "logs",
      value: { lines: outputs.map((output, at) => logLine(first + at + 1, output)) },
    });
  }

  #lines = 0;

  async acknowledged(sequence: number): Promise<void> {
    await this.heard.until(
      (m): m is Extract<JobDown, { $case: "ack" }> =>
        m.$case === "ack" && Number(m.value.sequence) === sequence,
    );
  }

  cancel(): void {
    this.#stream.cancel();
  }

  #send(sequence: number, message: JobUp): void {
    this.#stream.send({ sequence: BigInt(sequence), message });
  }
}

export function logLine(sequence: number, output: string): provisioner.LogLine {
  return {
    sequence: BigInt(sequence),
    createdAt: new Date(),
    source: provisioner.LogSource.PROVISIONER,
    level: provisioner.LogLevel.INFO,
    stage: "Planning",
    output,
  };
}

/** A state as Terraform writes it. */
export function snapshot(serial: number, lineage = "lineage", final = false): provisioner.StateSnapshot {
  const state = Buffer.from(JSON.stringify({ version: 4, serial, lineage, resources: [] }));
  return { state, lineage, serial: BigInt(serial), final };
}

export function agentOf(id: string, token: string, scripts: provisioner.Script[] = []): provisioner.Agent {
  return {
    id,
    token,
    name: "main",
    operatingSystem: "linux",
    architecture: "amd64",
    directory: "",
    environment: { GREETING: "hello" },
    connectionTimeoutSeconds: 120,
    troubleshootingUrl: "",
    motdFile: "",
    displayApps: [],
    scripts,
    metadata: [],
    startupScriptBehavior: "",
    order: 0n,
    instanceId: "",
  };
}

export function script(source: string): provisioner.Script {
  return {
    displayName: "Startup Script",
    icon: "",
    source,
    logPath: "",
    cron: "",
    runOnStart: true,
    runOnStop: false,
    startBlocksLogin: false,
    timeoutSeconds: 0,
  };
}

/** A build's result: one resource with these agents, and a state. */
export function buildResult(
  agents: provisioner.Agent[],
  state: provisioner.StateSnapshot | undefined = snapshot(1, "lineage", true),
): JobUp {
  const resource: provisioner.Resource = {
    address: "terraform_data.dev",
    type: "terraform_data",
    name: "dev",
    hide: false,
    icon: "",
    dailyCost: 0,
    metadata: [],
    agents,
    instanceType: "",
  };
  return {
    $case: "complete",
    value: { result: { $case: "workspaceBuild", value: { resources: [resource], state } } },
  };
}

/** Waits for a job at a replica and attaches to it. */
export async function takeJob(replica: Replica, daemon: DaemonIdentity) {
  const line = new AcquireLine(replica, daemon);
  line.ready();
  const job = await line.job();
  line.accept(job);
  const run = new RunLine(replica, daemon, job);
  await run.attached();
  return { line, job, run };
}
