import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = resolve(import.meta.dirname, "../../..");

/** One process of the control plane by itself, as a container would run it: from its own main.ts. */
export class Pod implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #output: string[] = [];

  constructor(name: string, command: readonly [string, ...string[]], environment: NodeJS.ProcessEnv) {
    const [program, ...args] = command;
    this.name = name;
    this.#child = spawn(program, args, { cwd: ROOT, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on("data", (chunk: Buffer) => this.#output.push(chunk.toString()));
  }

  /** A service or daemon from its own main.ts. */
  static of(app: string, name: string, environment: NodeJS.ProcessEnv): Pod {
    return new Pod(name, [process.execPath, `apps/${app}/src/main.ts`], environment);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get output(): string {
    return this.#output.join("");
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Waits until a URL answers 200. @throws with the pod's output when it ends before that. */
  async readyAt(url: string, withinMs = 60_000): Promise<void> {
    const giveUpAt = performance.now() + withinMs;
    while (performance.now() < giveUpAt && !this.hasEnded) {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined); // not listening yet
      await answer?.body?.cancel();
      if (answer?.status === 200) return;
      await sleep(50);
    }
    throw new Error(`${this.name} was not ready at ${url}:\n${this.output}`);
  }

  /** Waits until it has said something. */
  async says(pattern: RegExp, withinMs = 60_000): Promise<void> {
    const giveUpAt = performance.now() + withinMs;
    while (!pattern.test(this.output)) {
      if (performance.now() > giveUpAt || this.hasEnded)
        throw new Error(`${this.name} never said ${String(pattern)}:\n${this.output}`);
      await sleep(20);
    }
  }

  /** Sends a signal and answers how it ended. */
  async end(
    signal: NodeJS.Signals,
  ): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    if (!this.hasEnded) {
      const gone = once(this.#child, "exit");
      this.#child.kill(signal);
      await gone;
    }
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }

  /** Waits for it to end by itself. */
  async ended(): Promise<number | null> {
    if (!this.hasEnded) await once(this.#child, "exit");
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    await this.end("SIGTERM");
    clearTimeout(timer);
  }
}
