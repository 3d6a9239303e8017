import { expect, onTestFinished, test } from "vitest";
import { coordinationMigrations, PostgresHints, readSecrets, RotatedSigningKeys } from "@berth/coordination";
import { eventually, expectNoLeaks, recordedLog, testDatabase } from "@berth/testing";

expectNoLeaks();

async function deployment() {
  const made = await testDatabase({ migrations: [coordinationMigrations()] });
  const hints = new PostgresHints(made.database, recordedLog());
  const stop = new AbortController();
  onTestFinished(async () => {
    stop.abort();
    hints[Symbol.dispose]();
    await made[Symbol.asyncDispose]();
  });
  return { database: made.database, hints, log: recordedLog(), signal: stop.signal };
}

test("replicas that start at once have the same secrets", async () => {
  const { database } = await deployment();
  const all = await Promise.all([1, 2, 3, 4].map(() => readSecrets(database.sql)));
  expect(new Set(all.map(({ deploymentKey }) => deploymentKey.toString("hex"))).size).toBe(1);
  expect(new Set(all.map(({ deploymentId }) => deploymentId)).size).toBe(1);
  expect(all[0]?.derive("one")).not.toEqual(all[0]?.derive("another"));
});

test("replicas that start at once sign with the same key", async () => {
  const context = await deployment();
  const [first, second] = await Promise.all([1, 2].map(() => RotatedSigningKeys.open(context)));
  expect(first?.current().id).toBe(second?.current().id);
  expect(first?.all()).toHaveLength(1);
  expect(first?.current().publicKey).toHaveLength(32);
});

test("a next key is published before it signs, and every replica hears of it", async () => {
  const context = await deployment();
  const periods = { signsMs: 3_000, publishedMs: 2_500, keptMs: 60_000 };
  const one = await RotatedSigningKeys.open({ ...context, periods });
  const old = one.current();
  await context.database.sql`update coordination.signing_key set starts_at = now() - interval '1 s'`;
  const changed = Promise.withResolvers<undefined>();
  one.onChange(() => changed.resolve(undefined));
  const another = await RotatedSigningKeys.open({ ...context, periods });
  await changed.promise;
  expect(one.all()).toHaveLength(2);
  expect(one.current().id).toBe(old.id);
  await eventually(() => expect(another.current().id).not.toBe(old.id));
  expect(one.all().map(({ id }) => id)).toContain(old.id);
});
