import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openDatabase, type Notification, type OpenDatabase } from "@berth/database";
import { startLocalPostgres, type LocalPostgres } from "@berth/local-postgres";
import { codeOf } from "@berth/std";
import {
  eventually,
  expectNoLeaks,
  recordedLog,
  temporaryFolder,
  type TemporaryFolder,
} from "@berth/testing";

expectNoLeaks();
const PATIENCE = { withinMs: 25_000 };

let folder: TemporaryFolder;
let server: LocalPostgres;

/** A Postgres of its own, which can be killed, frozen and demoted; what it acknowledged is on the disk. */
beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startLocalPostgres({ folder: folder.path, maxConnections: 20 });
  await using database = await open();
  await database.sql`create table written (id int primary key)`;
});
afterAll(async () => {
  await server.stop();
  await folder[Symbol.asyncDispose]();
});

const open = (maxConnections = 6) =>
  openDatabase({ address: server.url, log: recordedLog(), maxConnections });

async function listening(): Promise<{ database: OpenDatabase; heard: Notification[] }> {
  const database = await open();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const heard: Notification[] = [];
  await database.listen("news", (hint) => heard.push(hint));
  return { database, heard };
}

/** Writers that never stop, more than there are connections. What is not acknowledged must have failed as unavailable. */
function startWriting(database: OpenDatabase, from: number) {
  const acknowledged = { alone: new Set<number>(), inTransactions: new Set<number>() };
  const stop = new AbortController();
  let next = from;
  const write = async (kind: keyof typeof acknowledged) => {
    while (!stop.signal.aborted) {
      const id = next++;
      try {
        if (kind === "alone") await database.sql`insert into written (id) values (${id})`;
        else
          await database.transaction(async (sql) => {
            await sql`insert into written (id) values (${id})`;
            await sql`select 1`;
          });
        acknowledged[kind].add(id);
      } catch (error) {
        expect(codeOf(error), String(error)).toBe("unavailable");
      }
    }
  };
  const writers = [1, 2, 3, 4].flatMap(() => [write("alone"), write("inTransactions")]);
  const counts = () => Object.values(acknowledged).map(({ size }) => size);
  return {
    acknowledged: () => Object.values(acknowledged).flatMap((ids) => [...ids]),
    /** Resolves when both kinds have got on. */
    async goesOn() {
      const before = counts();
      await eventually(() => {
        for (const [kind, count] of counts().entries())
          expect(count).toBeGreaterThan((before[kind] ?? 0) + 20);
      }, PATIENCE);
    },
    async end() {
      stop.abort();
      await Promise.all(writers);
    },
  };
}

/** The server's processes: the postmaster and whoever works for it. */
function processes(): readonly number[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const children = all.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1] === String(server.pid);
    } catch {
      return false; // it has ended
    }
  });
  return [server.pid, ...children.map(Number)];
}

async function idsIn(database: OpenDatabase): Promise<ReadonlySet<number>> {
  const rows = await database.sql<{ id: number }[]>`select id from written`;
  return new Set(rows.map(({ id }) => id));
}

test("a Postgres killed with -9 under load: what was acknowledged is there, the rest failed as unavailable", async () => {
  const { database, heard } = await listening();
  const writing = startWriting(database, 1);
  for (let kill = 1; kill <= 2; kill += 1) {
    await writing.goesOn();
    process.kill(server.pid, "SIGKILL");
    heard.length = 0;
    await eventually(() => expect(heard).toContainEqual({ kind: "dropped" }), PATIENCE);
  }
  await writing.goesOn();
  await writing.end();
  const ids = await idsIn(database);
  expect(writing.acknowledged().filter((id) => !ids.has(id))).toEqual([]);
});

test("a Postgres that is frozen: its connections are dropped, and all goes on when it thaws", async () => {
  const { database, heard } = await listening();
  const writing = startWriting(database, 1_000_000);
  await writing.goesOn();
  const frozen = processes();
  for (const pid of frozen) process.kill(pid, "SIGSTOP");
  await eventually(() => expect(database.reachable).toBe(false), PATIENCE);
  for (const pid of frozen) process.kill(pid, "SIGCONT");
  await eventually(() => expect(heard).toContainEqual({ kind: "dropped" }), PATIENCE);
  await writing.goesOn();
  await writing.end();
});

test("a Postgres that is demoted: nothing is written there, and all goes on when it is the one that writes again", async () => {
  const { database } = await listening();
  await using admin = await open(2);
  const writing = startWriting(database, 2_000_000);
  await writing.goesOn();
  await admin.patiently(async (sql) => {
    await sql`alter system set default_transaction_read_only = on`;
    await sql`select pg_reload_conf()`;
    await eventually(
      () => expect(database.sql`select 1`).rejects.toMatchObject({ code: "unavailable", sqlState: "25006" }),
      PATIENCE,
    );
    await sql`set default_transaction_read_only = off`;
    await sql`alter system reset default_transaction_read_only`;
    await sql`select pg_reload_conf()`;
  });
  await writing.goesOn();
  await writing.end();
});

test("a Postgres without a connection left is unavailable until there is one", async () => {
  const { database } = await listening();
  const greedy = await open(30);
  onTestFinished(() => greedy[Symbol.asyncDispose]());
  const held = Promise.withResolvers<undefined>();
  const holders = Array.from({ length: 25 }, () => greedy.transaction(() => held.promise).catch(codeOf));
  const refused = await Promise.race(holders);
  expect(refused).toBe("unavailable");
  held.resolve(undefined);
  await Promise.all(holders);
  await eventually(() => database.transaction((sql) => sql`select 1`), PATIENCE);
});
