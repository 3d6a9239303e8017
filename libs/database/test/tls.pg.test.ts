import { execFile } from "node:child_process";
import { chown, copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, afterAll, expect, test } from "vitest";
import { openDatabase, type OpenDatabase } from "@berth/database";
import { startLocalPostgres, type LocalPostgres } from "@berth/local-postgres";
import {
  eventually,
  expectNoLeaks,
  recordedLog,
  temporaryFolder,
  type TemporaryFolder,
} from "@berth/testing";

expectNoLeaks();
const run = promisify(execFile);

let folder: TemporaryFolder;
let server: LocalPostgres;

/** A Postgres of its own whose certificate is for `localhost`, signed by itself. */
beforeAll(async () => {
  folder = await temporaryFolder();
  const [cert, key] = [join(folder.path, "server.crt"), join(folder.path, "server.key")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  await run("openssl", [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    ...subject,
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  server = await startLocalPostgres({ folder: folder.path, durable: false });
  const data = join(folder.path, "postgres/data");
  const { uid, gid } = await stat(data);
  for (const name of ["server.crt", "server.key"]) {
    await copyFile(join(folder.path, name), join(data, name));
    await chown(join(data, name), uid, gid);
  }
  await switchOn();
  await eventually(async () => expect(await isEncrypted("sslmode=prefer")).toBe(true));
});

afterAll(async () => {
  await server.stop();
  await folder[Symbol.asyncDispose]();
});

async function switchOn(): Promise<void> {
  await using database = await openDatabase({ address: server.url, log: recordedLog() });
  await database.sql`alter system set ssl = on`;
  await database.sql`select pg_reload_conf()`;
}

async function open(query: string, host = "localhost"): Promise<OpenDatabase> {
  const url = new URL(server.url);
  url.hostname = host;
  url.search = query;
  return openDatabase({ address: url.href, log: recordedLog(), patienceMs: 0 });
}

async function isEncrypted(query: string, host?: string): Promise<unknown> {
  await using database = await open(query, host);
  const [row] = await database.sql<{ ssl: boolean }[]>`
    select bool_and(ssl) as ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name like 'berth%'`;
  return row?.ssl;
}

test("sslmode=disable speaks in the clear, require encrypts the pool and the listener", async () => {
  expect(await isEncrypted("sslmode=disable")).toBe(false);
  expect(await isEncrypted("sslmode=require")).toBe(true);
});

test("verify-full takes the certificate of its own authority and name", async () => {
  const root = `sslrootcert=${join(folder.path, "server.crt")}`;
  expect(await isEncrypted(`sslmode=verify-full&${root}`)).toBe(true);
  expect(await isEncrypted(`sslmode=verify-ca&${root}`, "127.0.0.1")).toBe(true);
});

test("verify-full refuses another name, and an authority that it does not know", async () => {
  const root = `sslrootcert=${join(folder.path, "server.crt")}`;
  await expect(open(`sslmode=verify-full&${root}`, "127.0.0.1")).rejects.toThrow(/certificate|altnames/i);
  await expect(open("sslmode=verify-full")).rejects.toThrow(/self-signed certificate/);
});
