import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { environment } from "@berth/config";
import { selfCommand } from "@berth/runtime";
import { Backoff, sleep } from "@berth/std";
import type { Logger } from "@berth/telemetry";

/** What one built-in daemon is started with. */
export interface DaemonSlotOptions {
  readonly name: string;
  readonly cacheFolder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly log: Logger;
}

/** Keeps one daemon running until it is stopped. */
export class DaemonSlot {
  readonly #options: DaemonSlotOptions;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #done: Promise<void> | undefined;

  constructor(options: DaemonSlotOptions) {
    this.#options = options;
  }

  start(): void {
    this.#done = this.#keep();
  }

  /** Tells the daemon to end and waits until it has: SIGHUP lets it finish its build, SIGINT cancels it. */
  async stop(signal: "SIGHUP" | "SIGINT"): Promise<void> {
    this.#stopping.abort();
    this.#child?.kill(signal);
    await this.#done;
  }

  async #keep(): Promise<void> {
    const { name, log } = this.#options;
    const backoff = new Backoff({ firstMs: 500, maxMs: 30_000 });
    while (!this.#stopping.signal.aborted) {
      backoff.connected();
      const code = await this.#run();
      log.info("a built-in provisioner daemon has ended", { daemon: name, code });
      await sleep(backoff.nextMs(), this.#stopping.signal);
    }
  }

  /** Runs the daemon once; answers its exit code. Its stdin is ours: it hears there when we are gone. */
  async #run(): Promise<number | null> {
    const [program = "", ...args] = selfCommand(["provisioner", "start"]);
    const child = spawn(program, args, {
      stdio: ["pipe", "inherit", "inherit"],
      detached: true, // Ctrl-C is for us: we tell it what to do with its build
      env: {
        ...withoutServerOptions(),
        ...this.#options.environment,
        CODER_PROVISIONER_DAEMON_NAME: this.#options.name,
        CODER_CACHE_DIRECTORY: this.#options.cacheFolder,
      },
    });
    this.#child = child;
    const [code] = (await once(child, "exit")) as [number | null];
    this.#child = undefined;
    return code;
  }
}

/** The daemon gets what templates and Terraform need, and nothing of the server's own: it has no way to reach Postgres. */
function withoutServerOptions(): Record<string, string | undefined> {
  const kept = /^CODER_(LOGGING_|VERBOSE|TRACE_|PROVISIONERD_TAGS|PROVISIONER_(FORCE|TERRAFORM))/;
  return Object.fromEntries(
    Object.entries(environment()).filter(
      ([name]) => !/^(CODER|DB|PG)_|^PG[A-Z]+$/.test(name) || kept.test(name),
    ),
  );
}
