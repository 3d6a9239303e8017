import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, realpath, rename, unlink } from "node:fs/promises";
import { type Server, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@berth/config";
import { sleep } from "@berth/std";
import { hasCode } from "./files.ts";

// The lock is a Unix socket that its holder listens on: the kernel lets go of it when the holder dies, however it dies.
//   L1  A socket gets the lock's name by link(), which fails when there is one: of two that come at once one wins.
//   L2  Only a socket that answers nobody is taken away, by rename(), and one that answers after all is put back.

/** Longest path a socket may have: longer ones fail, and not always honestly. */
const PATH_BYTES = 100;
const ATTEMPTS = 20;

/** Who holds a cache folder. */
export class CacheHeldError extends ConfigError {
  readonly holder: string;
  constructor(folder: string, holder: string) {
    super([
      {
        variable: "CODER_CACHE_DIRECTORY",
        value: folder,
        expected: `a folder of this daemon alone, and the daemon with pid ${holder} holds it`,
        mend: "Give each daemon a folder of its own, or end that daemon first",
      },
    ]);
    this.holder = holder;
  }
}

/**
 * Holds a cache folder until disposed or dead.
 * @throws CacheHeldError naming the holder's pid.
 */
export async function holdCache(folder: string): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = await socketOf(folder);
  const own = `${name}.${randomUUID().slice(0, 8)}`;
  const server = await listen(own);
  try {
    await takeName(folder, own, name);
  } catch (error) {
    server.close();
    throw error;
  } finally {
    await unlink(own).catch(() => undefined); // closing the server has removed it already
  }
  return {
    async [Symbol.asyncDispose]() {
      await unlink(name).catch(() => undefined); // somebody has emptied the folder
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A cache folder, held. */
export interface HeldCache extends AsyncDisposable {
  readonly folder: string;
}

/** Holds the first folder that nobody holds. @throws CacheHeldError of the last one when all are held. */
export async function holdFirstFree([folder, ...others]: readonly [string, ...string[]]): Promise<HeldCache> {
  try {
    return { folder, ...(await holdCache(folder)) };
  } catch (error) {
    const [next, ...rest] = others;
    if (next === undefined || !(error instanceof CacheHeldError)) throw error;
    return holdFirstFree([next, ...rest]);
  }
}

async function takeName(folder: string, own: string, name: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      return await link(own, name); // L1
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
    const holder = await askHolder(name);
    if (holder !== undefined) throw new CacheHeldError(folder, holder);
    await removeStale(name);
    await sleep(Math.random() * 20);
  }
  throw new CacheHeldError(folder, "unknown");
}

/** L2 */
async function removeStale(name: string): Promise<void> {
  const aside = `${name}.stale-${randomUUID().slice(0, 8)}`;
  try {
    await rename(name, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return; // another has taken it away
    throw error;
  }
  if ((await askHolder(aside)) !== undefined) await link(aside, name).catch(() => undefined); // somebody else has the name by now: it is not stale either
  await unlink(aside);
}

/** The pid of whoever listens; undefined when nobody does. */
function askHolder(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let said = "";
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on("data", (bytes) => (said += bytes.toString("utf8")));
    socket.on("error", () => resolve(undefined)); // nobody listens on it any more
    socket.on("close", () => resolve(said.trim() || "unknown"));
  });
}

function listen(path: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined); // who asked has gone
    socket.end(`${process.pid}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve(server.unref()));
  });
}

async function socketOf(folder: string): Promise<string> {
  const real = await realpath(folder);
  const path = join(real, "lock");
  if (Buffer.byteLength(path) + 20 <= PATH_BYTES) return path;
  const user = process.getuid?.() ?? 0;
  const short = join(tmpdir(), `berth-${user}`);
  await mkdir(short, { recursive: true, mode: 0o700 });
  return join(short, createHash("sha256").update(real).digest("hex").slice(0, 16));
}
