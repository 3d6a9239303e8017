import { createServer, connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { startLocalPostgres, type LocalPostgres } from "@berth/local-postgres";
import { sweepTemporaryFolders, temporaryFolder } from "./temporary-folder.ts";

/** Names a Postgres for all tests of a run; whoever starts several runs starts one and sets it. */
export const URL_VARIABLE = "BERTH_TEST_POSTGRES_URL";
/** The socket of the run's main process, which starts a Postgres when the first test asks. */
export const SOCKET_VARIABLE = "BERTH_TEST_POSTGRES_SOCKET";

/** A Postgres of a test run, without flushing to the disk. */
export interface RunPostgres extends AsyncDisposable {
  readonly url: string;
}

/** Starts a Postgres in a temporary folder, gone with it. */
export async function startRunPostgres(): Promise<RunPostgres> {
  await sweepTemporaryFolders();
  const folder = await temporaryFolder();
  const server: LocalPostgres = await startLocalPostgres({
    folder: folder.path,
    durable: false,
    maxConnections: 400,
  });
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Answers the URL to whoever connects to the socket, starting the server for the first. */
export async function servePostgres(): Promise<{ readonly socket: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  const socket = join(folder.path, "postgres");
  let started: Promise<RunPostgres> | undefined;
  const server = createServer((connection) => {
    connection.on("error", () => connection.destroy());
    started ??= startRunPostgres();
    started.then(
      ({ url }) => connection.end(url),
      (error: unknown) => connection.end(`failed: ${String(error)}`),
    );
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    async [Symbol.asyncDispose]() {
      server.close();
      await (await started)?.[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The URL of this run's Postgres. */
export async function runPostgresUrl(): Promise<string> {
  const url = process.env[URL_VARIABLE];
  if (url !== undefined && url !== "") return url;
  const socket = process.env[SOCKET_VARIABLE];
  if (socket === undefined)
    throw new Error("asking for a test database: run it with the root vitest.config.ts");
  const answer = await text(connect(socket));
  if (!answer.startsWith("postgres://")) throw new Error(`asking for a test database: ${answer}`);
  return answer;
}
