import {
  type ChildProcessWithoutNullStreams,
  spawn,
  type SpawnOptionsWithoutStdio,
} from "node:child_process";
import { join, resolve } from "node:path";

/** The program as people call it. */
export const PROGRAM = resolve(import.meta.dirname, "../../berth/bin/berth");

const started = new Set<ChildProcessWithoutNullStreams>();
// A test that fails leaves no command behind.
process.once("exit", () => {
  for (const child of started) child.kill("SIGKILL");
});

function startProgram(program: string, args: readonly string[], options: SpawnOptionsWithoutStdio) {
  const child = spawn(program, args, options);
  child.stdin.on("error", () => undefined); // it may end before it has read all
  started.add(child);
  child.once("close", () => started.delete(child));
  return child;
}

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line of one person: logged in or not, in a folder of their own. */
export class Person {
  readonly folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(folder: string, environment: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#environment = { ...environment, CODER_CONFIG_DIR: join(folder, "config") };
  }

  /** Runs `berth` with these arguments to its end. */
  async run(...args: string[]): Promise<Outcome> {
    return outcomeOf(this.start(...args));
  }

  /** The same, and demands that it succeeds: answers its stdout. */
  async must(...args: string[]): Promise<string> {
    const outcome = await this.run(...args);
    if (outcome.code !== 0)
      throw new Error(`berth ${args.join(" ")}: exit ${outcome.code}\n${outcome.stdout}${outcome.stderr}`);
    return outcome.stdout;
  }

  /** Starts it and leaves it running. */
  start(...args: string[]): ChildProcessWithoutNullStreams {
    return startProgram(PROGRAM, args, { env: this.#environment, cwd: this.folder });
  }

  /** OpenSSH's own programs, with the configuration that `config-ssh` wrote. */
  openSsh(program: "ssh" | "scp" | "sftp", ...args: string[]): ChildProcessWithoutNullStreams {
    return startProgram(program, ["-F", this.sshConfig, ...args], {
      env: this.#environment,
      cwd: this.folder,
    });
  }

  get sshConfig(): string {
    return join(this.folder, "ssh_config");
  }
}

/** Waits for a program to end. */
export async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  child.stdin.end();
  const [stdout, stderr, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exit) => resolve(exit ?? 255));
    }),
  ]);
  return { code, stdout, stderr };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}
