import { expect, onTestFinished, test } from "vitest";
import { openDatabase, type Notification } from "@berth/database";
import { eventually, expectNoLeaks, FaultyProxy, recordedLog, testDatabase } from "@berth/testing";

expectNoLeaks();

/** What Node would print where operators read: pg warns once per process of statements that overlap. */
const warnings: Error[] = [];
process.on("warning", (warning) => warnings.push(warning));

async function throughProxy() {
  const direct = await testDatabase();
  onTestFinished(() => direct[Symbol.asyncDispose]());
  const { hostname, port } = new URL(direct.url);
  const proxy = await FaultyProxy.start({ host: hostname, port: Number(port) });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const log = recordedLog();
  const database = await openDatabase({ address: proxy.through(direct.url), log });
  onTestFinished(() => database[Symbol.asyncDispose]());
  return { direct: direct.database, proxy, database };
}

async function hear(database: Awaited<ReturnType<typeof throughProxy>>["database"]) {
  const heard: Notification[] = [];
  await database.listen("news", (hint) => heard.push(hint));
  return heard;
}

test("a notification is heard with its payload, once per listener", async () => {
  const { direct, database } = await throughProxy();
  const [first, second] = [await hear(database), await hear(database)];
  await direct.sql`select pg_notify('news', 'an id')`;
  await eventually(() => expect(first).toEqual([{ kind: "notified", payload: "an id" }]));
  expect(second).toEqual(first);
});

test("many who listen at once wait for each other on the one connection", async () => {
  const { direct, database } = await throughProxy();
  const heard: string[] = [];
  const channels = ["first", "second", "third", "fourth"];
  const listeners = await Promise.all(
    channels.map((channel) => database.listen(channel, () => heard.push(channel))),
  );
  for (const channel of channels) await direct.sql`select pg_notify(${channel}, '')`;
  await eventually(() => expect(heard).toEqual(channels));
  for (const listener of listeners) listener[Symbol.dispose]();
  await database.listen("last", () => undefined);
  expect(warnings).toEqual([]);
});

test("a cut connection is replaced, and the gap is told as dropped", async () => {
  const { direct, proxy, database } = await throughProxy();
  const heard = await hear(database);
  proxy.cut();
  await eventually(() => expect(heard).toContainEqual({ kind: "dropped" }));
  await direct.sql`select pg_notify('news', 'after')`;
  await eventually(() => expect(heard.at(-1)).toEqual({ kind: "notified", payload: "after" }));
});

test("a half-open connection is noticed, and its statements end as unavailable", async () => {
  const { direct, proxy, database } = await throughProxy();
  const heard = await hear(database);
  await database.sql`select 1`;
  proxy.silence();
  await expect(database.sql`select 1`).rejects.toMatchObject({ code: "unavailable" });
  await eventually(() => expect(database.reachable).toBe(false));
  expect(database.answeringForMs).toBe(0);
  proxy.heal();
  await eventually(() => expect(heard).toContainEqual({ kind: "dropped" }));
  await direct.sql`select pg_notify('news', 'after')`;
  await eventually(() => expect(heard.at(-1)).toEqual({ kind: "notified", payload: "after" }));
  expect(await database.sql`select 1 as one`).toEqual([{ one: 1 }]);
});

test("a database that is away for long is found again", async () => {
  const { proxy, database } = await throughProxy();
  const heard = await hear(database);
  proxy.refuse();
  await eventually(() => expect(database.reachable).toBe(false));
  await expect(database.sql`select 1`).rejects.toMatchObject({ name: "DatabaseError", code: "unavailable" });
  proxy.heal();
  await eventually(() => expect(database.reachable).toBe(true));
  expect(heard).toContainEqual({ kind: "dropped" });
});

test("a connection that turns read-only is dropped", async () => {
  const { database } = await throughProxy();
  const readOnly = database.sql.begin("read only", (sql) => sql`create table t (x int)`);
  await expect(readOnly).rejects.toMatchObject({ code: "unavailable", sqlState: "25006" });
  await database.sql`create table t (x int)`;
});
