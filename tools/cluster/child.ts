/** One child of the launcher: its log is passed on, and it is ended by its pid. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export interface Child {
  readonly pid: number;
  /** How it ended: "code 0", "SIGKILL". */
  readonly exited: Promise<string>;
  /** Tells it to end and waits until it has. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface ChildOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The line that says it is ready, or a URL that answers 200 when it is. */
  readonly ready?: (line: string) => boolean;
  readonly readyUrl?: string;
  readonly withinMs: number;
}

/** Starts a child and waits until it is ready. Its stdin stays open as long as we live. @throws when it ends before that. */
export async function startChild(
  name: string,
  command: readonly string[],
  options: ChildOptions,
): Promise<Child> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: options.env,
    cwd: options.cwd,
    detached: true, // Ctrl-C reaches the launcher alone, which ends its children in order
  });
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `code ${code ?? "?"}`));
  });
  const said = Promise.withResolvers<undefined>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (options.ready?.(line) === true) said.resolve(undefined); // what else it says is for a user of that process alone
  });
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  const ready = options.readyUrl === undefined ? said.promise : answers(options.readyUrl, exited);
  const late = sleep(options.withinMs, `not ready within ${options.withinMs / 1000} s`, { ref: false });
  const failure = await Promise.race([ready, exited, late]);
  if (failure !== undefined) {
    await stop("SIGKILL");
    throw new Error(`${name} did not start: ${failure}`);
  }
  return { pid: child.pid ?? 0, exited, stop };
}

async function answers(url: string, exited: Promise<unknown>): Promise<undefined> {
  const gone = { yet: false };
  void exited.then(() => (gone.yet = true));
  while (!gone.yet) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined); // not listening yet
    await answer?.body?.cancel();
    if (answer?.status === 200) return undefined;
    await sleep(50);
  }
  return undefined;
}
