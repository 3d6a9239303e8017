import { expect, onTestFinished, test } from "vitest";
import { violatesUnique } from "@berth/database";
import { expectNoLeaks, testDatabase } from "@berth/testing";

expectNoLeaks();

async function database() {
  const made = await testDatabase();
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made.database;
}

test("bigint columns and parameters are bigint", async () => {
  const { sql } = await database();
  expect(await sql`select ${9_007_199_254_740_993n}::bigint as big, 1::int as small`).toEqual([
    { big: 9_007_199_254_740_993n, small: 1 },
  ]);
});

test("a transaction that cannot be serialized runs again", async () => {
  const { sql, transaction } = bound(await database());
  await sql`create table counter (value int not null)`;
  await sql`insert into counter values (0)`;
  const bothHaveRead = Promise.withResolvers<undefined>();
  let runs = 0;
  const increment = () =>
    transaction(async (tx) => {
      await tx`set transaction isolation level serializable`;
      const [row] = await tx<{ value: number }[]>`select value from counter`;
      runs += 1;
      if (runs === 2) bothHaveRead.resolve(undefined);
      await bothHaveRead.promise;
      await tx`update counter set value = ${(row?.value ?? 0) + 1}`;
    });
  await Promise.all([increment(), increment()]);
  expect(await sql`select value from counter`).toEqual([{ value: 2 }]);
  expect(runs).toBe(3);
});

test("a transaction whose connection is lost ends as unavailable, and none of its statements runs elsewhere", async () => {
  const made = await database();
  const { sql } = made;
  await sql`create table written (by text)`;
  const transaction = made.transaction(async (tx) => {
    const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await tx`insert into written values ('before')`;
    await sql`select pg_terminate_backend(${row?.pid ?? 0}, 5000)`;
    await expect(tx`insert into written values ('after')`).rejects.toMatchObject({ code: "unavailable" });
    await expect((async () => tx`insert into written values ('later')`)()).rejects.toMatchObject({
      code: "unavailable",
    });
  });
  await expect(transaction).rejects.toMatchObject({ code: "unavailable" });
  expect(await sql`select * from written`).toEqual([]);
});

test("a savepoint that fails takes back its own statements alone", async () => {
  const made = await database();
  await made.sql`create table written (by text)`;
  await made.transaction(async (tx) => {
    await tx`insert into written values ('outer')`;
    const inner = tx.savepoint(async (sp) => {
      await sp`insert into written values ('inner')`;
      await sp`select 1 / 0`;
    });
    await expect(inner).rejects.toThrow("division by zero");
  });
  expect(await made.sql`select * from written`).toEqual([{ by: "outer" }]);
});

test("a transaction with a failed statement that nobody looked at is not taken for committed", async () => {
  const made = await database();
  const transaction = made.transaction(async (tx) => {
    await tx`select 1 / 0`.catch(() => undefined);
  });
  await expect(transaction).rejects.toThrow("committing");
});

test("a unique index that is violated is named", async () => {
  const { sql } = await database();
  await sql`create table person (name text constraint person_name unique)`;
  const twice = sql`insert into person values ('ada'), ('ada')`.then(
    () => undefined,
    (error: unknown) => error,
  );
  const error = await twice;
  expect(violatesUnique(error)).toBe(true);
  expect(violatesUnique(error, "person_name")).toBe(true);
  expect(violatesUnique(error, "another")).toBe(false);
});

test("statements beyond the pool's size wait for their turn", async () => {
  const { sql } = await database();
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => sql`select ${i}::int as i`));
  expect(answers.map(([row]) => row?.["i"] as number)).toEqual(Array.from({ length: 200 }, (_, i) => i));
});

function bound(made: Awaited<ReturnType<typeof database>>) {
  return {
    sql: made.sql,
    transaction: <T>(work: Parameters<typeof made.transaction<T>>[0]) => made.transaction(work),
  };
}
