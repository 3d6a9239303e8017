import { expect, onTestFinished, test } from "vitest";
import { exposeConnections, openDatabase } from "@berth/database";
import { createMetrics } from "@berth/telemetry";
import { eventually, expectNoLeaks, recordedLog, testDatabase } from "@berth/testing";

expectNoLeaks();

test("the pool's connections are shown under the names that dashboards know", async () => {
  const made = await testDatabase({ maxConnections: 7 });
  onTestFinished(() => made[Symbol.asyncDispose]());
  const metrics = createMetrics();
  using _exposed = exposeConnections(metrics, made.database);
  await made.database.transaction(async (sql) => {
    await sql`select 1`;
    const text = await metrics.expose();
    expect(text).toContain('go_sql_max_open_connections{db_name="berth"} 7');
    expect(text).toContain('go_sql_in_use_connections{db_name="berth"} 1');
    expect(text).toMatch(/berth_postgres_rtt_seconds 0\.\d+/);
  });
});

test("what still runs when the database is closed ends as unavailable", async () => {
  const made = await testDatabase();
  onTestFinished(() => made[Symbol.asyncDispose]());
  const database = await openDatabase({ address: made.url, log: recordedLog() });
  const statement = expect(database.sql`select pg_sleep(60)`).rejects.toMatchObject({ code: "unavailable" });
  const transaction = expect(database.transaction((sql) => sql`select pg_sleep(60)`)).rejects.toMatchObject({
    code: "unavailable",
  });
  await eventually(async () => {
    const [row] = await made.database.sql`
      select count(*)::int as running from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'`;
    expect(row).toEqual({ running: 2 });
  });
  await database[Symbol.asyncDispose]();
  await statement;
  await transaction;
});
