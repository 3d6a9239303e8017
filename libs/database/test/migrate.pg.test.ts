import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { migrate } from "@berth/database";
import { expectNoLeaks, recordedLog, temporaryFolder, testDatabase } from "@berth/testing";

expectNoLeaks();

async function prepared(files: Record<string, string>) {
  const made = await testDatabase();
  onTestFinished(() => made[Symbol.asyncDispose]());
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return {
    database: made.database,
    write: (more: Record<string, string>) => write(folder.path, more),
    ...(await write(folder.path, files)),
  };
}

async function write(root: string, files: Record<string, string>) {
  const folder = join(root, Math.random().toString(36).slice(2));
  await mkdir(folder);
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql);
  return { folder };
}

const first = { "0001-first.expand.sql": "create table dock.ship (id int)" };
const second = {
  "0002-second.expand.sql": "alter table dock.ship add name text; create index on dock.ship (name)",
};

test("replicas that race run each migration once", async () => {
  const { database, folder } = await prepared({ ...first, ...second });
  await Promise.all(Array.from({ length: 5 }, () => migrate(database, { schema: "dock", folder })));
  expect(await database.sql`select name from dock.migration order by number`).toEqual([
    { name: "0001-first.expand" },
    { name: "0002-second.expand" },
  ]);
});

test("a migration that fails leaves nothing of itself behind", async () => {
  const { database, folder } = await prepared({
    ...first,
    "0002-bad.expand.sql": "create table dock.half (id int); select 1 / 0",
  });
  await expect(migrate(database, { schema: "dock", folder })).rejects.toThrow("division by zero");
  expect(await database.sql`select to_regclass('dock.half') as half`).toEqual([{ half: null }]);
  expect(await database.sql`select count(*)::int as ran from dock.migration`).toEqual([{ ran: 1 }]);
});

test("an unknown expand migration is warned about", async () => {
  const { database, folder, write } = await prepared({ ...first, ...second });
  await migrate(database, { schema: "dock", folder });
  const older = await write(first);
  const log = recordedLog();
  await migrate(database, { schema: "dock", ...older }, log);
  expect(log.lines).toContainEqual(
    expect.objectContaining({ level: "warn", fields: { schema: "dock", migration: "0002-second.expand" } }),
  );
});

test("an unknown contract migration is refused", async () => {
  const { database, folder, write } = await prepared({
    ...first,
    "0002-drop.contract.sql": "drop table dock.ship",
  });
  await migrate(database, { schema: "dock", folder });
  const older = await write(first);
  await expect(migrate(database, { schema: "dock", ...older })).rejects.toThrow(/later release.*0002-drop/);
});

test("a migration of another name under our number is refused: ours has not run", async () => {
  const { database, folder, write } = await prepared({ ...first, "0002-other.expand.sql": "select 1" });
  await migrate(database, { schema: "dock", folder });
  const ours = await write({ ...first, ...second });
  await expect(migrate(database, { schema: "dock", ...ours })).rejects.toThrow(/0002-other.*0002-second/);
});

test("a gap in the numbers is refused", async () => {
  const { database, folder } = await prepared({ "0002-second.expand.sql": "select 1" });
  await expect(migrate(database, { schema: "dock", folder })).rejects.toThrow("should have the number 1");
});
