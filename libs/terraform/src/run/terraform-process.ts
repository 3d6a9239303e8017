import { spawn } from "node:child_process";
import { open } from "node:fs/promises";

/** How a Terraform ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A Terraform in a process group of its own, whose id is its pid. */
export interface TerraformProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Lets it begin. Until then nothing runs, and if we die before nothing ever does: so no Terraform runs unrecorded. */
  begin(): void;
  /**
   * Asks it to stop: it ends what it can and writes its state. Only the first call sends a signal, because a second one would
   * make Terraform give up its state.
   */
  interrupt(): void;
  /** Ends it and everything it started, at once. */
  kill(): void;
}

/** What to run, and where its two streams go. */
export interface TerraformCommand {
  readonly path: string;
  readonly arguments: readonly string[];
  readonly folder: string;
  readonly environment: Record<string, string>;
  readonly stdoutFile: string;
  readonly stderrFile: string;
}

// exec keeps the pid; end of input instead of the word means that whoever would have begun it has died
const WAITING_ROOM = 'read -r word && [ "$word" = begin ] && exec "$0" "$@" </dev/null';

/**
 * Makes Terraform ready in its own session, writing to files: a pipe would die with us and take the resource in work with it.
 * @throws when it cannot be started.
 */
export async function startTerraform(command: TerraformCommand): Promise<TerraformProcess> {
  await using stdout = await open(command.stdoutFile, "w", 0o600);
  await using stderr = await open(command.stderrFile, "w", 0o600);
  const child = spawn("/bin/sh", ["-c", WAITING_ROOM, command.path, ...command.arguments], {
    cwd: command.folder,
    env: command.environment,
    detached: true,
    stdio: ["pipe", stdout.fd, stderr.fd],
  });
  const exited = new Promise<Exit>((resolve) =>
    child.once("exit", (code, signal) => {
      // a Terraform that was killed has ended none of what it started, and that goes on changing the world
      if (signal !== null && child.pid !== undefined) killGroup(child.pid, "SIGKILL");
      resolve({ code, signal });
    }),
  );
  child.stdin?.on("error", () => undefined); // it has ended before it began: `exited` says so
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) =>
      reject(new Error(`starting ${command.path} in ${command.folder}: ${cause.message}`, { cause })),
    );
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`starting Terraform: ${command.path}: no pid`);
  let interrupted = false;
  return {
    pid,
    exited,
    begin: () => void child.stdin?.end("begin\n"),
    interrupt() {
      if (!interrupted && child.exitCode === null && child.signalCode === null) child.kill("SIGINT");
      interrupted = true;
    },
    kill: () => killGroup(pid, "SIGKILL"),
  };
}

/** Signals a process group; a group that is gone is none to signal. Answers whether there was one. */
export function killGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false; // ESRCH: everybody in it has ended
  }
}
