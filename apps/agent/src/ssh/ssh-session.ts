import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import type { PseudoTtyInfo, ServerChannel, Session, WindowChangeInfo } from "ssh2";
import type { Workplace } from "../processes/workplace.ts";
import { serveSftp } from "../sftp/serve-sftp.ts";
import { ChannelOutput } from "./channel-output.ts";
import { runCommand, type RunningCommand } from "./run-command.ts";
import type { TerminalSize } from "./start-command.ts";

/** What kind of program is at the other end, by what it says of itself in its environment. */
export type SessionKind = "ssh" | "vscode" | "jetbrains";

export interface SessionContext {
  readonly workplace: Workplace;
  readonly log: Logger;
  /** Aborted when the client's connection is over. */
  readonly gone: AbortSignal;
  /** OpenSSH's client, as its identification says. */
  readonly openSsh: boolean;
  readonly onWork: (kind: SessionKind, done: Promise<void>) => void;
}

/** Programs look whether these are there to tell a remote shell from a local one; a tunnel has no addresses. */
const REMOTE = { SSH_CLIENT: "127.0.0.1 0 22", SSH_CONNECTION: "127.0.0.1 0 127.0.0.1 22" };

/** One session channel of a client: what it prepares (environment, terminal), and the one thing that it then runs. */
export class SshSession {
  readonly #context: SessionContext;
  readonly #gone = new AbortController();
  readonly #environment: Record<string, string> = { ...REMOTE };
  #terminal: (TerminalSize & { readonly term: string }) | undefined;
  #running: RunningCommand | undefined;

  constructor(session: Session, context: SessionContext) {
    this.#context = context;
    const leave = () => this.#gone.abort();
    context.gone.addEventListener("abort", leave, { once: true });
    session.on("close", leave);
    this.#prepare(session);
    // ssh2 takes an acceptance only at once: a client that has no input ends the session's input right behind its request
    session.on("shell", (accept) => this.#run(accept(), undefined));
    session.on("exec", (accept, _reject, { command }) => this.#run(accept(), command));
    session.on("subsystem", (accept, reject, { name }) =>
      name === "sftp" ? this.#work(this.#transfer(accept())) : reject(),
    );
    session.on("signal", (_accept, _reject, { name }) => this.#running?.signal(name));
  }

  #prepare(session: Session): void {
    // without a wish for an answer there is nothing to accept with, whatever the types say
    type Maybe = (() => void) | undefined;
    session.on("env", (accept: Maybe, _reject: Maybe, { key, val }: { key: string; val: string }) => {
      this.#environment[key] = val;
      accept?.();
    });
    session.on("pty", (accept: Maybe, _reject: Maybe, { term, cols, rows }: PseudoTtyInfo) => {
      this.#terminal = { term: term === "" ? "xterm" : term, columns: cols, rows };
      accept?.();
    });
    session.on("window-change", (accept: Maybe, _reject: Maybe, { cols, rows }: WindowChangeInfo) => {
      const size = { columns: cols, rows };
      if (this.#terminal !== undefined) this.#terminal = { ...this.#terminal, ...size };
      this.#running?.resize(size);
      accept?.();
    });
  }

  #run(channel: ServerChannel, command: string | undefined): void {
    const run = async () => {
      const greeting = command === undefined && this.#terminal !== undefined ? await this.#motd() : undefined;
      const terminal = this.#terminal;
      const request = {
        environment: this.#environment,
        ...(command === undefined ? {} : { command }),
        ...(terminal === undefined ? {} : { terminal }),
        ...(greeting === undefined ? {} : { greeting }),
      };
      this.#running = runCommand(this.#context.workplace, channel, request, this.#gone.signal);
      await this.#running.done;
    };
    this.#work(run());
  }

  async #transfer(channel: ServerChannel): Promise<void> {
    const { workplace, openSsh: targetFirst } = this.#context;
    const output = new ChannelOutput(channel, this.#gone.signal);
    // a plain loop over the channel would close it before its exit is said
    const input = { [Symbol.asyncIterator]: () => channel.iterator({ destroyOnReturn: false }) };
    let code = 1;
    try {
      await serveSftp(
        { input, write: (packet) => output.write("stdout", packet) },
        { folder: workplace.folder(), home: workplace.home, targetFirst },
      );
      code = 0;
    } finally {
      channel.exit(code); // without it scp reports a failure after a success
      channel.end();
    }
  }

  /** The message of the day with a terminal's line ends, unless the user has hushed it. */
  async #motd(): Promise<Buffer | undefined> {
    const file = this.#context.workplace.motdFile();
    if (file === undefined) return undefined;
    try {
      if (await exists(join(this.#context.workplace.home, ".hushlogin"))) return undefined;
      return Buffer.from((await readFile(file, "utf8")).replaceAll(/\r?\n/g, "\r\n"));
    } catch (error) {
      this.#context.log.warn("message of the day cannot be read", { file, reason: messageOf(error) });
      return undefined;
    }
  }

  #work(work: Promise<void>): void {
    const kind = kindOf(this.#environment["CODER_SSH_SESSION_TYPE"]);
    const done = work.catch((error: unknown) => {
      if (!this.#gone.signal.aborted)
        this.#context.log.warn("session has failed", { reason: messageOf(error) });
    });
    this.#context.onWork(kind, done);
  }
}

function kindOf(type: string | undefined): SessionKind {
  const kind = type?.toLowerCase();
  return kind === "vscode" || kind === "jetbrains" ? kind : "ssh";
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
