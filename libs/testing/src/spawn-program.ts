import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { deferred } from "@berth/std";

/** How a program is started. */
export interface ProgramOptions {
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether it gets this process's environment at all; it does unless told. */
  readonly inherit?: boolean;
  readonly cwd?: string;
}

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<number>();
// A test run that ends early leaves no program behind.
process.once("exit", () => {
  for (const pid of running) killGroup(pid, "SIGKILL");
});

/** A real child process, in a process group of its own. */
export class Program implements AsyncDisposable {
  readonly pid: number;
  /** Standard output and error, line by line, as they came. */
  readonly lines: string[] = [];
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #exited = deferred<Exit>();
  #hear: (() => void)[] = [];

  constructor(command: readonly string[], { env, cwd, inherit = true }: ProgramOptions) {
    const [file = "", ...args] = command;
    this.#child = spawn(file, args, {
      env: { ...(inherit ? process.env : {}), ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.pid = this.#child.pid ?? 0;
    this.exit = this.#exited.promise;
    if (this.pid > 0) running.add(this.pid);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null) createInterface({ input: stream }).on("line", (line) => this.#add(line));
    this.#child.once("error", (error) => this.#exited.reject(error));
    this.#child.once("close", (code, signal) => {
      running.delete(this.pid);
      this.#exited.resolve({ code, signal });
    });
  }

  /** The first line that matches, come or to come. @throws with the last lines when it ends or time is over without one. */
  async waitFor(pattern: string | RegExp, withinMs = 20_000): Promise<string> {
    const giveUpAt = performance.now() + withinMs;
    const ended = this.exit.then(({ code, signal }) => `ended with ${signal ?? `code ${code ?? "?"}`}`);
    for (let from = 0, end = ""; ;) {
      const found = this.lines
        .slice(from)
        .find((line) => (typeof pattern === "string" ? line.includes(pattern) : pattern.test(line)));
      if (found !== undefined) return found;
      if (end !== "") throw new Error(`waiting for ${String(pattern)}: the program ${end}\n${this.tail()}`);
      from = this.lines.length;
      const timeout = Promise.withResolvers<string>();
      const timer = setTimeout(() => timeout.resolve("says nothing like it"), giveUpAt - performance.now());
      const line = new Promise<string>((resolve) => this.#hear.push(() => resolve("")));
      end = await Promise.race([line, ended, timeout.promise]);
      clearTimeout(timer);
    }
  }

  /** The last lines, for messages. */
  tail(count = 30): string {
    return this.lines.slice(-count).join("\n");
  }

  /** Signals the program alone; `killGroup` its children as well. */
  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** Signals the program and all its children that have not left its process group. */
  killGroup(signal: NodeJS.Signals): void {
    if (this.pid > 0) killGroup(this.pid, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.killGroup("SIGKILL");
    await this.exit.catch(() => undefined); // it could not be started
  }

  #add(line: string): void {
    this.lines.push(line);
    const hear = this.#hear;
    this.#hear = [];
    for (const wake of hear) wake();
  }
}

/** Starts a program: `spawnProgram([process.execPath, "src/main.ts"], { env })`. */
export function spawnProgram(command: readonly string[], options: ProgramOptions = {}): Program {
  return new Program(command, options);
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
