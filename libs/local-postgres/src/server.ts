import { spawn, type ChildProcess } from "node:child_process";
import { open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { createServer } from "node:net";
import { Backoff, CodedError, deferred, messageOf, sleep } from "@berth/std";
import { serverAccount, type Account } from "./account.ts";
import { findBinaries, type Binaries } from "./binaries.ts";
import { fillDataFolder, makeDataFolder, USER, type DataFolder } from "./data-folder.ts";
import { claimFolder } from "./claim.ts";
import { findPostmaster, stopPostmaster } from "./postmaster.ts";

// Invariants
//   L1  One living process owns a data folder: a second one is refused and told who holds it.
//   L2  A server whose owner was killed is stopped, then started anew as our child: with our options, under our eyes.
//   L3  A server that dies by itself is started again on the same port, five times a minute at most.

/** How the server is to be. */
export interface LocalPostgresOptions {
  /** Everything is kept in `<folder>/postgres`. */
  readonly folder: string;
  /** A free port unless told. */
  readonly port?: number;
  /** 100 unless told. */
  readonly maxConnections?: number;
  /** Off for tests: nothing is flushed to the disk. On unless told. */
  readonly durable?: boolean;
}

/** A running Postgres of our own. */
export interface LocalPostgres extends AsyncDisposable {
  /** With the password in it; the database `postgres`. */
  readonly url: string;
  /** The server's process now; another after it was started again. */
  readonly pid: number;
  /** Rejects when the server died and could not be brought back. */
  readonly failed: Promise<never>;
  /** Ends every session and the server. */
  stop(): Promise<void>;
}

const READY_MS = 60_000;
const ATTEMPTS = 5;

/**
 * Starts the bundled Postgres, making its data the first time.
 * @throws CodedError saying what stands in the way, with the end of the server's log when it spoke.
 */
export async function startLocalPostgres(options: LocalPostgresOptions): Promise<LocalPostgres> {
  const durable = options.durable ?? true;
  const [binaries, account] = await Promise.all([findBinaries(), serverAccount()]);
  const root = await makeDataFolder(options.folder, binaries, account);
  const claim = await claimFolder(join(root, "owner"), root); // L1
  try {
    const files = await fillDataFolder(root, binaries, account, durable);
    const orphan = await findPostmaster(files.data);
    if (orphan !== undefined) await stopPostmaster(orphan.pid); // L2
    const server = new Server({ binaries, account, files, claim, flags: flags(options, durable) });
    await server.start(options.port);
    return server;
  } catch (error) {
    await claim[Symbol.asyncDispose]();
    throw error;
  }
}

/** Ends the server that a killed process has left in the folder, if there is one. @throws CodedError when one is in use */
export async function stopAbandonedPostgres(folder: string): Promise<void> {
  const root = join(folder, "postgres");
  const abandoned = await findPostmaster(join(root, "data"));
  if (abandoned === undefined) return;
  await using _claim = await claimFolder(join(root, "owner"), root);
  await stopPostmaster(abandoned.pid);
}

function flags(options: LocalPostgresOptions, durable: boolean): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: String(options.maxConnections ?? 100),
    ...(durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** What a server is made of. */
interface Parts {
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  readonly files: DataFolder;
  readonly claim: AsyncDisposable;
  readonly flags: readonly string[];
}

class Server implements LocalPostgres {
  readonly #parts: Parts;
  readonly #failure = deferred<never>();
  readonly failed = this.#failure.promise;
  readonly #restarts = new Backoff({ firstMs: 100, maxMs: 5_000, heldMs: 60_000 });
  #deaths: number[] = [];
  #port = 0;
  #child: ChildProcess | undefined;
  readonly #ending = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get url(): string {
    return `postgres://${USER}:${this.#parts.files.password}@127.0.0.1:${this.#port}/postgres?sslmode=disable`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** A free port may be taken by another before Postgres binds it, and a lock file may outlive a kill for a moment. */
  async start(port: number | undefined): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      this.#port = port ?? (await freePort());
      const failure = await this.#launch();
      if (failure === undefined) return this.#watch();
      if (attempt === ATTEMPTS) throw failure;
      await sleep(this.#restarts.nextMs());
    }
  }

  stop(): Promise<void> {
    this.#ending.abort();
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  async #end(): Promise<void> {
    const running = this.#child?.exitCode === null && this.#child.signalCode === null;
    if (running && this.pid > 0) await stopPostmaster(this.pid);
    await this.#parts.claim[Symbol.asyncDispose]();
  }

  /** Starts the server once; answers what went wrong, or undefined when it takes connections. */
  async #launch(): Promise<CodedError | undefined> {
    const { binaries, account, flags } = this.#parts;
    const { data, log } = this.#parts.files;
    const output = await openLog(log);
    const from = (await stat(log)).size;
    const child = spawn(binaries.postgres, ["-D", data, "-p", String(this.#port), ...flags], {
      stdio: ["ignore", output.fd, output.fd],
      detached: true, // Ctrl-C in the terminal is for us: we end Postgres last
      env: { LC_ALL: "C" },
      cwd: data,
      ...account,
    });
    const gone = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(messageOf(error)));
      child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? `code ${code ?? "?"}`}`));
    });
    this.#child = child;
    await output.close();
    const end = await Promise.race([gone, this.#ready(child)]);
    if (end === undefined) return undefined;
    child.kill("SIGQUIT");
    return this.#fault(`starting the embedded Postgres in ${data}: ${end}`, from);
  }

  async #ready(child: ChildProcess): Promise<string | undefined> {
    const giveUpAt = performance.now() + READY_MS;
    while (performance.now() < giveUpAt && child.exitCode === null && child.signalCode === null) {
      const found = await findPostmaster(this.#parts.files.data);
      if (found?.pid === child.pid && found?.ready === true) return undefined;
      await sleep(15);
    }
    return `it was not ready within ${READY_MS / 1000} s`;
  }

  /** L3 */
  #watch(): void {
    this.#restarts.connected();
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null)
      child.once("exit", () => void (this.#isEnding() || this.#revive()));
    else void this.#revive();
  }

  async #revive(): Promise<void> {
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < 60_000), now];
    if (this.#deaths.length > ATTEMPTS) return this.#giveUp();
    await sleep(this.#restarts.nextMs());
    if (this.#isEnding()) return;
    const failure = await this.#launch();
    if (this.#isEnding()) return this.#end();
    return failure === undefined ? this.#watch() : this.#revive();
  }

  async #giveUp(): Promise<void> {
    const what = `the embedded Postgres in ${this.#parts.files.data} died ${this.#deaths.length} times within a minute`;
    this.#failure.reject(await this.#fault(what, 0));
  }

  /** What happened, and the last lines that the server has logged since. */
  async #fault(what: string, from: number): Promise<CodedError> {
    const text = (await readFile(this.#parts.files.log)).subarray(from).toString();
    return new CodedError("internal", `${what}\n${text.trim().split("\n").slice(-12).join("\n")}`.trim());
  }
}

/** One log file, and the one before it once it has grown over 10 MB. */
async function openLog(path: string) {
  const size = await stat(path).then(
    ({ size }) => size,
    () => 0,
  ); // absent at first
  if (size > 10_000_000) await rename(path, `${path}.1`);
  return open(path, "a", 0o600);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string")
    throw new Error("asking for a free port: none was given");
  return address.port;
}
