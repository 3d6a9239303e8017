import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "@berth/database";
import { startLocalPostgres, type LocalPostgresOptions } from "@berth/local-postgres";
import { eventually, expectNoLeaks, recordedLog, spawnProgram, temporaryFolder } from "@berth/testing";

expectNoLeaks();
const LONG = { timeout: 60_000 };
const KEEPER = fileURLToPath(new URL("keeper.ts", import.meta.url));

async function folder() {
  const made = await temporaryFolder();
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made.path;
}

async function start(options: LocalPostgresOptions) {
  const server = await startLocalPostgres({ durable: false, ...options });
  onTestFinished(() => server.stop());
  return server;
}

async function query(url: string, text: string) {
  await using database = await openDatabase({ address: url, log: recordedLog(), maxConnections: 2 });
  return await database.sql.unsafe(text);
}

/** One that ended counts as gone, though nobody may have noticed: an orphan's new parent need not. */
async function isAlive(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return text !== "" && text[text.lastIndexOf(")") + 2] !== "Z";
}

test(
  "what was written is there after a stop and a start; the password is for its owner alone",
  LONG,
  async () => {
    const path = await folder();
    const first = await start({ folder: path, durable: true, maxConnections: 33 });
    await query(first.url, "create table kept (n int); insert into kept values (7)");
    expect(await query(first.url, "show max_connections")).toEqual([{ max_connections: "33" }]);
    await first.stop();
    const second = await start({ folder: path });
    expect(await query(second.url, "select n from kept")).toEqual([{ n: 7 }]);
    expect((await stat(join(path, "postgres/password"))).mode & 0o777).toBe(0o600);
    expect(second.url).toContain((await readFile(join(path, "postgres/password"), "utf8")).trim());
  },
);

test("a server that dies is started again on the same port", LONG, async () => {
  const server = await start({ folder: await folder() });
  const { url, pid } = server;
  process.kill(pid, "SIGKILL");
  await eventually(() => expect(server.pid).not.toBe(pid));
  await eventually(() => query(url, "select 1"));
  expect(server.url).toBe(url);
});

test("a server whose starter was killed is stopped, and the next start has its own", LONG, async () => {
  const path = await folder();
  await using keeper = spawnProgram([process.execPath, KEEPER, path]);
  const orphan = Number((await keeper.waitFor("server ")).split(" ")[1]);
  keeper.kill("SIGKILL");
  await keeper.exit;
  expect(await isAlive(orphan)).toBe(true);
  const server = await start({ folder: path });
  expect(await isAlive(orphan)).toBe(false);
  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
});

test("a folder in use by a living process is refused, and the process is named", LONG, async () => {
  const path = await folder();
  const server = await start({ folder: path });
  await expect(start({ folder: path })).rejects.toThrow(`in use by process ${process.pid}`);
  expect(await isAlive(server.pid)).toBe(true);
});

test("of starts at once on one folder one has it, and the others are told by whom", LONG, async () => {
  const path = await folder();
  const keepers = Array.from({ length: 3 }, () => {
    const keeper = spawnProgram([process.execPath, KEEPER, path]);
    onTestFinished(() => keeper[Symbol.asyncDispose]());
    return keeper;
  });
  const holder = await Promise.any(keepers.map((keeper) => keeper.waitFor("server ").then(() => keeper)));
  for (const refused of keepers.filter((keeper) => keeper !== holder)) {
    expect(await refused.exit).toMatchObject({ code: 1 });
    expect(refused.tail()).toContain(`in use by process ${holder.pid}`);
  }
  holder.kill("SIGKILL");
  await holder.exit;
  await start({ folder: path }); // which ends what the holder has left
});

test("a server that dies again and again is given up, with the end of its log", LONG, async () => {
  const server = await start({ folder: await folder() });
  const failed = server.failed.catch(String);
  for (let death = 1, dead = 0; death <= 6; death += 1) {
    await eventually(() => expect(server.pid).not.toBe(dead));
    await eventually(() => query(server.url, "select 1"));
    dead = server.pid;
    process.kill(dead, "SIGKILL");
  }
  expect(await failed).toMatch(/died 6 times within a minute\n[^]*LOG: /);
});

test("a port that is taken is told in Postgres' own words", LONG, async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise((resolve) => taken.close(() => resolve())));
  const { port } = taken.address() as AddressInfo;
  await expect(start({ folder: await folder(), port })).rejects.toThrow(/Address already in use/);
});

test("data of another Postgres are told by both versions, and left alone", LONG, async () => {
  const path = await folder();
  const version = join(path, "postgres/data/PG_VERSION");
  await mkdir(join(path, "postgres/data"), { recursive: true });
  await writeFile(version, "9\n");
  await expect(start({ folder: path })).rejects.toThrow(
    /is version \d\d, and its data in .* are of version 9/,
  );
  expect(await readFile(version, "utf8")).toBe("9\n");
});

test.runIf(process.getuid?.() === 0)(
  "as root, a folder that Postgres' user cannot enter is named",
  LONG,
  async () => {
    const path = await folder();
    const closed = join(path, "closed");
    await mkdir(join(closed, "data"), { recursive: true });
    await chmod(path, 0o755);
    await chmod(closed, 0o700);
    await expect(start({ folder: join(closed, "data") })).rejects.toThrow(
      new RegExp(`cannot enter ${closed} on the way`),
    );
  },
);
