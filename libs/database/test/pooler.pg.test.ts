import { expect, onTestFinished, test } from "vitest";
import { Secret } from "@berth/std";
import { openDatabase, parseAddress, type Notification } from "@berth/database";
import { eventually, expectNoLeaks, recordedLog, testDatabase } from "@berth/testing";
import { TransactionPooler } from "./transaction-pooler.ts";

expectNoLeaks();

async function behindPooler() {
  const direct = await testDatabase();
  onTestFinished(() => direct[Symbol.asyncDispose]());
  const { hostname, port } = new URL(direct.url);
  const pooler = await TransactionPooler.start({ host: hostname, port: Number(port) });
  onTestFinished(() => pooler[Symbol.asyncDispose]());
  return { direct, url: pooler.through(direct.url) };
}

test("behind a pooler in transaction mode statements work, readers are told to re-read, and the log says so", async () => {
  const { url } = await behindPooler();
  const log = recordedLog();
  const database = await openDatabase({ address: url, log });
  onTestFinished(() => database[Symbol.asyncDispose]());
  expect(log.lines.map(({ message }) => message)).toEqual([expect.stringContaining("polling each second")]);
  const heard: Notification[] = [];
  await database.listen("news", (hint) => heard.push(hint));
  await eventually(() => expect(heard).toContainEqual({ kind: "dropped" }));
  const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => database.sql`select ${n}::int as n`));
  expect(answers.map(([row]) => row?.["n"] as number)).toEqual([1, 2, 3, 4, 5]);
  expect(database.reachable).toBe(true);
});

test("with Postgres itself named as well, notifications are heard there", async () => {
  const { direct, url } = await behindPooler();
  const log = recordedLog();
  const database = await openDatabase({
    address: url,
    direct: parseAddress(new Secret(direct.url), "CODER_PG_DIRECT_URL"),
    log,
  });
  onTestFinished(() => database[Symbol.asyncDispose]());
  expect(log.lines.map(({ message }) => message)).toEqual([
    expect.stringContaining("over CODER_PG_DIRECT_URL"),
  ]);
  const heard: Notification[] = [];
  await database.listen("news", (hint) => heard.push(hint));
  await database.sql`select pg_notify('news', 'an id')`;
  await eventually(() => expect(heard).toContainEqual({ kind: "notified", payload: "an id" }));
});

test("Postgres itself is not taken for a pooler", async () => {
  const { direct } = await behindPooler();
  const log = recordedLog();
  const database = await openDatabase({ address: direct.url, log });
  onTestFinished(() => database[Symbol.asyncDispose]());
  expect(log.lines).toEqual([]);
});
