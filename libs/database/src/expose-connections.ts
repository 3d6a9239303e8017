import type { Metrics } from "@berth/telemetry";
import type { Database } from "./database.ts";

/** Shows the pool under the names that dashboards of Go programs ask for. */
export function exposeConnections(metrics: Metrics, database: Database): Disposable {
  const labels = { db_name: "berth" };
  const gauge = (name: string, help: string) =>
    metrics.gauge(`go_sql_${name}_connections`, help, ["db_name"]);
  const max = gauge("max_open", "The most connections of this process's pool");
  const open = gauge("open", "Connections of the pool that are open");
  const inUse = gauge("in_use", "Connections of the pool that a statement or transaction runs on");
  const idle = gauge("idle", "Connections of the pool that wait");
  const roundTrip = metrics.gauge("berth_postgres_rtt_seconds", "Median round trip to Postgres");
  return metrics.onExpose(() => {
    const now = database.connections();
    max.set(database.maxConnections, labels);
    open.set(now.open, labels);
    inUse.set(now.inUse, labels);
    idle.set(now.open - now.inUse, labels);
    if (database.roundTripMs !== undefined) roundTrip.set(database.roundTripMs / 1000);
  });
}
