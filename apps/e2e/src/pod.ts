import { resolve } from "node:path";
import { type Exit, eventually, type Program, spawnProgram } from "@berth/testing";

const ROOT = resolve(import.meta.dirname, "../../..");
const PATIENCE_MS = 120_000;
const END_WITHIN_MS = 30_000;

/** One process of the control plane by itself, with no environment but its own, as a container would run it. */
export class Pod implements AsyncDisposable {
  readonly name: string;
  readonly #program: Program;
  #exit: Exit | undefined;

  constructor(name: string, command: readonly string[], environment: NodeJS.ProcessEnv, cwd = ROOT) {
    this.name = name;
    this.#program = spawnProgram(command, { cwd, env: environment, inherit: false });
    void this.#program.exit.then((exit) => (this.#exit = exit));
  }

  /** A service or daemon from its own main.ts. */
  static of(app: string, name: string, environment: NodeJS.ProcessEnv): Pod {
    return new Pod(name, [process.execPath, `apps/${app}/src/main.ts`], environment);
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** What it has said, for the message of a failed test too. */
  get output(): string {
    return this.#program.lines.join("\n");
  }

  /** Tries until it holds. @throws with the pod's output when the pod ends before that or time is over. */
  async until<T>(holds: () => Promise<T>): Promise<T> {
    const attempt = async () => (this.#exit === undefined ? { held: await holds() } : undefined);
    const outcome = await eventually(attempt, { withinMs: PATIENCE_MS, everyMs: 50 }).catch(
      (error: unknown) => {
        throw new Error(`${this.name}:\n${this.output}`, { cause: error });
      },
    );
    if (outcome === undefined) throw new Error(`${this.name} has ended:\n${this.output}`);
    return outcome.held;
  }

  /** Waits until a URL answers 200. */
  async readyAt(url: string): Promise<void> {
    await this.until(async () => {
      const status = await statusAt(url);
      if (status !== 200) throw new Error(`${url} answers ${status ?? "nothing"}`);
    });
  }

  /** Waits until it has said something: the line. */
  says(pattern: RegExp): Promise<string> {
    return this.#program.waitFor(pattern, PATIENCE_MS);
  }

  /** Sends a signal and answers how it ended. */
  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.#program.kill(signal);
    return this.#program.exit;
  }

  /** Waits for it to end by itself. */
  async ended(): Promise<number | null> {
    return (await this.#program.exit).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exit !== undefined) return;
    const timer = setTimeout(() => this.#program.killGroup("SIGKILL"), END_WITHIN_MS);
    await this.end("SIGTERM");
    clearTimeout(timer);
  }
}

/** The status of an answer, or undefined when nobody answers. */
export async function statusAt(url: string): Promise<number | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status;
}
