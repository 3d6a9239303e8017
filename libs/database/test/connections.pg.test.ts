import { expect, onTestFinished, test } from "vitest";
import { exposeConnections } from "@berth/database";
import { createMetrics } from "@berth/telemetry";
import { expectNoLeaks, testDatabase } from "@berth/testing";

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
