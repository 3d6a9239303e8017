import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { spawn as spawnOnTerminal } from "@lydell/node-pty";
import { temporaryFolder } from "@berth/testing";
import { expect, vi } from "vitest";
import { runCli } from "../src/index.ts";
import type { SmallPlane } from "./small-plane.ts";

const MAIN = resolve(import.meta.dirname, "../src/main.ts");

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody with a folder of their own who types commands: real processes, with a terminal or without. */
export class Person implements AsyncDisposable {
  readonly folder: string;
  readonly #gone: AsyncDisposable;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(folder: string, gone: AsyncDisposable, variables: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#gone = gone;
    this.#environment = {
      PATH: process.env["PATH"],
      HOME: folder,
      TERM: "xterm",
      CODER_CONFIG_DIR: this.configFolder,
      ...variables,
    };
  }

  /** Nobody yet. */
  static async arrive(variables: NodeJS.ProcessEnv = {}): Promise<Person> {
    const folder = await temporaryFolder();
    return new Person(folder.path, folder, variables);
  }

  /** Somebody who is logged in. */
  static at(plane: SmallPlane, variables: NodeJS.ProcessEnv = {}): Promise<Person> {
    return Person.arrive({ CODER_URL: plane.url, CODER_SESSION_TOKEN: "a-token", ...variables });
  }

  get configFolder(): string {
    return join(this.folder, "my config"); // with a space, as some have
  }

  /** Runs a command to its end, without a terminal. */
  async run(args: readonly string[], { stdin = "", env = {} }: RunOptions = {}): Promise<Outcome> {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.folder,
      env: { ...this.#environment, ...env },
    });
    child.stdin.on("error", () => undefined); // it may end before it has read all
    child.stdin.end(stdin);
    const [stdout, stderr, code] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      new Promise<number>((ended) => child.once("close", (exit) => ended(exit ?? 255))),
    ]);
    return { code, stdout, stderr };
  }

  /** The same inside this process, which is quicker: for what has no part in how a process begins and ends. */
  async runHere(args: readonly string[]): Promise<Outcome> {
    const [out, err] = [vi.spyOn(process.stdout, "write"), vi.spyOn(process.stderr, "write")].map((spy) =>
      spy.mockReturnValue(true),
    );
    const said = (spy: typeof out) => (spy?.mock.calls ?? []).map(([text]) => String(text)).join("");
    for (const [name, value] of Object.entries(this.#environment)) vi.stubEnv(name, value);
    try {
      const code = await runCli(args);
      return { code, stdout: said(out), stderr: said(err) };
    } finally {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    }
  }

  /** Starts a command on a terminal. */
  type(...args: string[]): OnTerminal {
    return new OnTerminal(args, this.folder, this.#environment);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#gone[Symbol.asyncDispose]();
  }
}

interface RunOptions {
  readonly stdin?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export const CTRL_C = "\u0003";
export const ENTER = "\r";
export const UP = "\u001b[A";

/** A command on a terminal of 100 columns. */
export class OnTerminal implements Disposable {
  /** Everything that has come, without colours and cursor movements. */
  text = "";
  readonly ended: Promise<number>;
  readonly #pty;
  #seen = 0;

  constructor(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
    this.#pty = spawnOnTerminal(process.execPath, [MAIN, ...args], { cols: 100, rows: 30, cwd, env });
    this.#pty.onData((data) => (this.text += data.replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, "")));
    this.ended = new Promise((resolve) => this.#pty.onExit(({ exitCode }) => resolve(exitCode)));
  }

  /** Waits until this has come, behind what was waited for before. */
  async sees(what: string): Promise<void> {
    await expect.poll(() => this.text.slice(this.#seen), { timeout: 20_000 }).toContain(what);
    this.#seen = this.text.indexOf(what, this.#seen) + what.length;
  }

  press(keys: string): void {
    this.#pty.write(keys);
  }

  [Symbol.dispose](): void {
    this.#pty.kill("SIGKILL");
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}
