import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import {
  coordinationMigrations,
  type Lease,
  LeaseLostError,
  PostgresHints,
  PostgresLeases,
} from "@berth/coordination";
import { openDatabase, type Database } from "@berth/database";
import { eventually, expectNoLeaks, FaultyProxy, recordedLog, testDatabase } from "@berth/testing";

expectNoLeaks();

const PERIOD_MS = 900;

async function deployment() {
  const made = await testDatabase({ migrations: [coordinationMigrations()] });
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made;
}

function contender(database: Database, won: () => void = () => undefined) {
  const stop = new AbortController();
  const log = recordedLog();
  const hints = new PostgresHints(database, log);
  const leases = new PostgresLeases({ database, hints, log, owner: randomUUID(), periodMs: PERIOD_MS });
  const held: Lease[] = [];
  const over = leases.lead("leader/test", stop.signal, async (lease) => {
    held.push(lease);
    won();
    if (!lease.signal.aborted)
      await new Promise((resolve) => lease.signal.addEventListener("abort", resolve));
  });
  onTestFinished(async () => {
    stop.abort();
    await over;
    hints[Symbol.dispose]();
  });
  return { held, stop, over };
}

const current = async (...contenders: ReturnType<typeof contender>[]) =>
  eventually(() => {
    const leading = contenders.flatMap(({ held }) => held.filter(({ signal }) => !signal.aborted));
    expect(leading).toHaveLength(1);
    return leading[0]!;
  });

test("one of several leads, and the next has a higher epoch", async () => {
  const { database } = await deployment();
  const all = [contender(database), contender(database), contender(database)];
  const first = await current(...all);
  const leader = all.find(({ held }) => held.includes(first))!;
  leader.stop.abort();
  await leader.over;
  const second = await current(...all);
  expect(second.epoch).toBe(first.epoch + 1n);
});

test("a holder that is cut off from the database stops, another takes over, and what the first still writes is refused", async () => {
  const { url, database } = await deployment();
  const { hostname, port } = new URL(url);
  const proxy = await FaultyProxy.start({ host: hostname, port: Number(port) });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const far = await openDatabase({ address: proxy.through(url), log: recordedLog() });
  onTestFinished(() => far[Symbol.asyncDispose]());
  const cutOff = contender(far);
  const first = await current(cutOff);
  const other = contender(database);
  proxy.refuse();
  const second = await current(other);
  expect(second.epoch).toBeGreaterThan(first.epoch);
  await eventually(() => expect(first.signal.aborted).toBe(true));
  proxy.heal();
  await eventually(() => expect(far.reachable).toBe(true));
  await expect(first.guard((sql) => sql`select 1`)).rejects.toBeInstanceOf(LeaseLostError);
});

test("a holder that hears nothing has stopped before another leads", async () => {
  const { url, database } = await deployment();
  const { hostname, port } = new URL(url);
  const proxy = await FaultyProxy.start({ host: hostname, port: Number(port) });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const far = await openDatabase({ address: proxy.through(url), log: recordedLog() });
  onTestFinished(() => far[Symbol.asyncDispose]());
  const unheard = contender(far);
  const first = await current(unheard);
  const hadStopped = Promise.withResolvers<boolean>();
  contender(database, () => hadStopped.resolve(first.signal.aborted));
  proxy.silence();
  expect(await hadStopped.promise).toBe(true);
});

test("a guarded write holds the lease until it has committed", async () => {
  const { database } = await deployment();
  const holder = contender(database);
  const lease = await current(holder);
  const order: string[] = [];
  const inside = Promise.withResolvers<undefined>();
  const guarded = lease.guard(async (sql) => {
    inside.resolve(undefined);
    await sql`select pg_sleep(0.2)`;
    order.push("guarded");
  });
  await inside.promise;
  const stolen = database.sql`update coordination.lease set epoch = epoch + 1, owner = ${randomUUID()}`.then(
    () => order.push("stolen"),
  );
  await Promise.all([guarded, stolen]);
  expect(order).toEqual(["guarded", "stolen"]);
  await expect(lease.guard((sql) => sql`select 1`)).rejects.toBeInstanceOf(LeaseLostError);
});
