import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./tcp.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const READY_WITHIN_MS = 120_000;

/** A node as `cluster.json` has it. */
export interface ClusterNode {
  readonly name: string;
  readonly pid: number;
  readonly address: string;
  readonly relayUrl: string;
  readonly metricsUrl: string;
  readonly dataFolder: string;
  readonly start: {
    readonly command: readonly [string, ...string[]];
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
  };
}

/** Three real nodes, their balancer and their Postgres, started as a user would: `npm start -- --nodes 3`. */
export class TestCluster implements AsyncDisposable {
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  readonly postgres: { readonly pid: number; readonly url: string };
  readonly #launcher: ChildProcess;
  readonly #revived = new Map<string, ChildProcess>();
  readonly #environment: NodeJS.ProcessEnv;
  readonly #output: string[];

  private constructor(
    file: ClusterFile,
    launcher: ChildProcess,
    environment: NodeJS.ProcessEnv,
    output: string[],
  ) {
    this.url = `http://${file.balancer.address}`;
    this.nodes = file.nodes;
    this.postgres = file.postgres;
    this.#launcher = launcher;
    this.#environment = environment;
    this.#output = output;
  }

  /** Starts it below a folder with these variables. @throws with its output when it is not ready in time. */
  static async start(folder: string, variables: Readonly<Record<string, string>>): Promise<TestCluster> {
    const environment = {
      ...bareEnvironment(folder),
      CODER_CONFIG_DIR: join(folder, "server"),
      CODER_HTTP_ADDRESS: `127.0.0.1:${await freePort()}`,
      ...variables,
    };
    const output: string[] = [];
    const launcher = spawn(process.execPath, [join(ROOT, "tools/start.ts"), "--nodes", "3"], {
      cwd: ROOT,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    launcher.stdout.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    launcher.stderr.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    const giveUpAt = performance.now() + READY_WITHIN_MS;
    while (performance.now() < giveUpAt && launcher.exitCode === null) {
      const file = await readFile(join(folder, "server", "cluster.json"), "utf8").catch(() => undefined); // not yet written
      if (file !== undefined)
        return new TestCluster(JSON.parse(file) as ClusterFile, launcher, environment, output);
      await sleep(50);
    }
    launcher.kill("SIGTERM");
    throw new Error(`three nodes did not start:\n${output.join("")}`);
  }

  /** What the launcher and the nodes have said, for the message of a failed test. */
  get output(): string {
    return this.#output.join("");
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
    await eventually(async () => (await answerOf(node)) === undefined);
  }

  /** Deletes the node's data folder, starts it by the command of `cluster.json` and waits until it is ready. */
  async startAgain(node: ClusterNode, variables: Readonly<Record<string, string>> = {}): Promise<void> {
    await rm(node.dataFolder, { recursive: true, force: true });
    const [program, ...args] = node.start.command;
    const child = spawn(program, args, {
      cwd: node.start.cwd,
      env: { ...this.#environment, ...node.start.env, ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.on("data", (chunk: Buffer) => this.#output.push(chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => this.#output.push(chunk.toString()));
    this.#revived.set(node.name, child);
    await eventually(async () => (await answerOf(node)) === 200);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...this.#revived.values(), this.#launcher].filter(
      (child) => child.exitCode === null && child.signalCode === null,
    );
    await Promise.all(
      children.map(async (child) => {
        const gone = once(child, "exit");
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
        await gone;
        clearTimeout(timer);
      }),
    );
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

async function answerOf(node: ClusterNode): Promise<number | undefined> {
  const answer = await fetch(`http://${node.address}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(
    () => undefined,
  ); // nobody listens
  await answer?.body?.cancel();
  return answer?.status;
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error("it did not come true in time");
    await sleep(50);
  }
}
