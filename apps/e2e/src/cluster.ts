import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "@berth/testing";
import { expect } from "vitest";
import { isAlive } from "./is-alive.ts";
import { Pod, statusAt } from "./pod.ts";
import { freePort } from "./tcp.ts";

/** A node as `cluster.json` has it. */
export interface ClusterNode {
  readonly name: string;
  readonly pid: number;
  readonly address: string;
  readonly relayUrl: string;
  readonly metricsUrl: string;
  readonly dataFolder: string;
  readonly start: {
    readonly command: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
  };
}

/** Three real nodes, their balancer and their Postgres, started as a user would: `npm start -- --nodes 3`. */
export class TestCluster implements AsyncDisposable {
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  readonly postgres: { readonly pid: number; readonly url: string };
  readonly #launcher: Pod;
  readonly #revived = new Map<string, Pod>();
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(file: ClusterFile, launcher: Pod, environment: NodeJS.ProcessEnv) {
    this.url = `http://${file.balancer.address}`;
    this.nodes = file.nodes;
    this.postgres = file.postgres;
    this.#launcher = launcher;
    this.#environment = environment;
  }

  /** Starts it below a folder with these variables. @throws with its output when it is not ready in time. */
  static async start(folder: string, variables: Readonly<Record<string, string>>): Promise<TestCluster> {
    const environment = {
      ...bareEnvironment(folder),
      CODER_CONFIG_DIR: join(folder, "server"),
      CODER_HTTP_ADDRESS: `127.0.0.1:${await freePort()}`,
      ...variables,
    };
    const launcher = new Pod("launcher", [process.execPath, "tools/start.ts", "--nodes", "3"], environment);
    const file = await launcher.until(() => readFile(join(folder, "server", "cluster.json"), "utf8"));
    return new TestCluster(JSON.parse(file) as ClusterFile, launcher, environment);
  }

  /** What the launcher and the nodes have said, for the message of a failed test. */
  get output(): string {
    return [this.#launcher, ...this.#revived.values()].map(({ output }) => output).join("\n");
  }

  node(number: 1 | 2 | 3): ClusterNode {
    const found = this.nodes[number - 1];
    if (found === undefined) throw new Error(`there is no node ${number}`);
    return found;
  }

  /** The node's process now: another after it was started again. */
  pidOf(node: ClusterNode): number {
    return this.#revived.get(node.name)?.pid ?? node.pid;
  }

  /** Kills the node's process and waits until nobody answers at its address. */
  async kill(node: ClusterNode, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    process.kill(this.pidOf(node), signal);
    await eventually(async () => expect(await statusAt(`http://${node.address}/readyz`)).toBeUndefined());
  }

  /** Tells the node's process to end, and waits until it has. */
  async end(node: ClusterNode): Promise<void> {
    const pid = this.pidOf(node);
    process.kill(pid, "SIGTERM");
    await eventually(() => expect(isAlive(pid)).toBe(false), { withinMs: 60_000, everyMs: 50 });
  }

  /** Deletes the node's data folder, starts it by the command of `cluster.json` and waits until it is ready. */
  async startAgain(node: ClusterNode, variables: Readonly<Record<string, string>> = {}): Promise<void> {
    await rm(node.dataFolder, { recursive: true, force: true });
    const environment = { ...this.#environment, ...node.start.env, ...variables };
    const revived = new Pod(node.name, node.start.command, environment, node.start.cwd);
    this.#revived.set(node.name, revived);
    await revived.readyAt(`http://${node.address}/readyz`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#revived.values(), this.#launcher].map((pod) => pod[Symbol.asyncDispose]()));
  }
}

interface ClusterFile {
  readonly balancer: { readonly address: string; readonly pid: number };
  readonly postgres: { readonly pid: number; readonly url: string };
  readonly nodes: readonly ClusterNode[];
}

/** What a program needs of this machine, and nothing of whoever runs the tests. */
export function bareEnvironment(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: join(folder, "home"),
    XDG_DATA_HOME: join(folder, "data"),
    CODER_DRAIN_LAME_DUCK: "200ms",
    CODER_DRAIN_TIMEOUT: "10s",
  };
}
