import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { type Server, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@berth/config";
import { messageOf } from "@berth/std";

/** 5,000 clients that come at once after a replica's death do not fit Node's 511. */
const BACKLOG = 4096;

/** A path longer than this fails, and not always honestly: the kernel keeps 108 bytes. */
const LONGEST_PATH = 100;

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Listens, or says in the operator's words why not. */
export async function listenOn(server: Server, { host, port }: ListenAddress): Promise<void> {
  try {
    await listening(server, { host, port, backlog: BACKLOG });
  } catch (error) {
    throw new ConfigError([
      {
        variable: "CODER_HTTP_ADDRESS",
        value: `${host.includes(":") ? `[${host}]` : host}:${port}`,
        expected: reasonOf(error),
        mend: "End the process that listens there, or set CODER_HTTP_ADDRESS (or --http-address) to another address",
      },
    ]);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return "the port is in use by another process";
  if (code === "EACCES") return "this user may not listen on that port";
  if (code === "EADDRNOTAVAIL") return "this machine does not have that address";
  return `listening there failed (${messageOf(error)})`;
}

/** A Unix socket for the processes and services of this user. */
export interface OwnSocket {
  readonly path: string;
  remove(): Promise<void>;
}

/** Listens on a Unix socket in a 0700 folder; a path that would be too long moves to a short one. */
export async function listenOwn(server: Server, folder: string): Promise<OwnSocket> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `rpc-${process.pid}.sock`);
  if (Buffer.byteLength(path) <= LONGEST_PATH) {
    await removeAbandoned(folder);
    await listening(server, { path, backlog: BACKLOG });
    return { path, remove: () => rm(path, { force: true }) };
  }
  const short = await mkdtemp(join(shortTemporary(), "berth-"));
  await listening(server, { path: join(short, "rpc.sock"), backlog: BACKLOG });
  return { path: join(short, "rpc.sock"), remove: () => rm(short, { recursive: true, force: true }) };
}

/** A process that was killed leaves its socket behind: nobody answers on it any longer. */
async function removeAbandoned(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^rpc-\d+\.sock$/.test(name));
  await Promise.all(
    names.map(async (name) => {
      if (!(await answers(join(folder, name)))) await rm(join(folder, name), { force: true });
    }),
  );
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** The temp directory, unless even that is long. */
export function shortTemporary(): string {
  return Buffer.byteLength(tmpdir()) <= 60 ? tmpdir() : "/tmp";
}

function listening(server: Server, where: object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
