import { randomUUID } from "node:crypto";
import type { agent } from "@berth/contract";
import { generateKeyPair } from "@berth/tunnel";
import { Heard } from "./daemon.ts";
import type { Replica } from "./deployment.ts";

type Up = NonNullable<agent.ConnectRequest["message"]>;
type Down = NonNullable<agent.ConnectResponse["message"]>;

/** An agent process: its key and incarnation survive its streams. */
export interface AgentProcess {
  readonly token: string;
  readonly incarnation: string;
  readonly publicKey: Buffer;
}

export function newAgentProcess(token: string): AgentProcess {
  return { token, incarnation: randomUUID(), publicKey: generateKeyPair().publicKey };
}

/** One stream of an agent process. */
export class AgentLine {
  readonly heard: Heard<Down>;
  readonly #stream: ReturnType<ReturnType<Replica["agents"]>["connect"]>;
  #sequence: number;

  constructor(replica: Replica, process: AgentProcess, sequence = 0) {
    this.#sequence = sequence;
    this.#stream = replica.agents(process.token).connect();
    this.heard = new Heard(this.#stream);
    this.#send(0, {
      $case: "hello",
      value: {
        incarnation: process.incarnation,
        publicKey: process.publicKey,
        version: "v0",
        apiVersion: "1",
        operatingSystem: "linux",
        architecture: "amd64",
        expandedDirectory: "/home/dev",
        sshHostKey: "ssh-ed25519 AAAA",
        subsystems: [],
        traceparent: "",
        hostname: "dev",
      },
    });
  }

  say(message: Up): number {
    this.#sequence += 1;
    this.#send(this.#sequence, message);
    return this.#sequence;
  }

  beat(): void {
    this.#send(0, { $case: "beat", value: { sequence: 1n, relayRoundTrip: undefined } });
  }

  async manifest(count = 1): Promise<agent.Manifest> {
    return (await this.heard.until((m) => m.$case === "manifest", count)).value;
  }

  async acknowledged(sequence: number): Promise<void> {
    await this.heard.until(
      (m): m is Extract<Down, { $case: "ack" }> => m.$case === "ack" && Number(m.value.sequence) === sequence,
    );
  }

  cancel(): void {
    this.#stream.cancel();
  }

  #send(sequence: number, message: Up): void {
    this.#stream.send({ sequence: BigInt(sequence), message });
  }
}
