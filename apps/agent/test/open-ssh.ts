import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Logger } from "@berth/telemetry";
import { ProcessGroups } from "../src/processes/process-groups.ts";
import type { Workplace } from "../src/processes/workplace.ts";
import { generateHostKey } from "../src/ssh/host-key.ts";
import { SshServer } from "../src/ssh/ssh-server.ts";

/** Why a test that needs OpenSSH's client cannot run here. */
export const noOpenSsh: string | undefined =
  spawnSync("ssh", ["-V"]).error === undefined ? undefined : "OpenSSH's client is not installed";

export interface Ran {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** An SSH server of the agent on a TCP port, a folder to work in, and OpenSSH's programs pointed at it. */
export class OpenSsh implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly server: SshServer;
  readonly processes: ProcessGroups;
  readonly #listener: Server;

  private constructor(folder: string, listener: Server, server: SshServer, processes: ProcessGroups) {
    this.folder = folder;
    this.#listener = listener;
    this.port = (listener.address() as { port: number }).port;
    this.server = server;
    this.processes = processes;
  }

  static async start(overrides: Partial<Workplace> = {}): Promise<OpenSsh> {
    const folder = await mkdtemp(join(tmpdir(), "berth-agent-ssh-"));
    const processes = new ProcessGroups();
    const workplace: Workplace = {
      shell: "/bin/sh",
      home: folder,
      folder: () => folder,
      environment: () => ({ PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: folder, CODER: "true" }),
      motdFile: () => undefined,
      processes,
      ...overrides,
    };
    const hostKey = generateHostKey();
    const server = new SshServer({ hostKey, workplace, log: silent });
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.serve(socket));
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const started = new OpenSsh(folder, listener, server, processes);
    await writeFile(join(folder, "known_hosts"), `[127.0.0.1]:${started.port} ${hostKey.publicLine}\n`);
    return started;
  }

  /** What every program of OpenSSH is told. The host key is checked, not taken on trust. */
  options(): string[] {
    return [
      "-F",
      "none",
      "-o",
      "BatchMode=yes",
      "-o",
      "StrictHostKeyChecking=yes",
      "-o",
      "LogLevel=ERROR",
    ].concat(["-o", `UserKnownHostsFile=${join(this.folder, "known_hosts")}`]);
  }

  sshArguments(...args: string[]): string[] {
    return [...this.options(), "-p", String(this.port), ...args];
  }

  ssh(args: readonly string[], input?: Buffer): Promise<Ran> {
    return ran(spawn("ssh", this.sshArguments(...args)), input);
  }

  scp(...args: string[]): Promise<Ran> {
    return ran(spawn("scp", [...this.options(), "-P", String(this.port), ...args]));
  }

  sftp(batch: string): Promise<Ran> {
    const args = [...this.options(), "-P", String(this.port), "-b", "-", "127.0.0.1"];
    return ran(spawn("sftp", args), Buffer.from(batch));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    this.#listener.close();
    await this.processes.endAll(1_000);
    await rm(this.folder, { recursive: true, force: true });
  }
}

export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

export async function ran(child: ChildProcess, input?: Buffer): Promise<Ran> {
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin?.on("error", () => undefined); // it may end before it has read all
  child.stdin?.end(input);
  const [stdout, stderr] = await Promise.all([buffer(child.stdout!), buffer(child.stderr!)]);
  return { code: await code, stdout, stderr: stderr.toString() };
}
