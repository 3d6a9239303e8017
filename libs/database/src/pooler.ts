import { DeadlineError, withDeadline } from "@berth/std";
import type { Connector } from "./connector.ts";
import type { Sql } from "./database.ts";

const BUSY_MS = 2_000;

/**
 * Whether statements of one connection reach different servers, as they do behind a pooler in transaction mode: LISTEN and
 * prepared statements do not work there. A second connection's transaction takes the server that the first has just used.
 */
export async function isPooled(connector: Connector): Promise<boolean> {
  const first = connector.pool({ max: 1, pooled: true, patient: true });
  const second = connector.pool({ max: 1, pooled: true, patient: true });
  try {
    await backendOf(second.sql); // connected before the first is asked, so that nothing comes between the two
    const before = await backendOf(first.sql);
    return await second.sql.begin(async (tx) => {
      await tx`select 1`;
      return (await withDeadline("a second server", BUSY_MS, backendOf(first.sql))) !== before;
    });
  } catch (error) {
    if (error instanceof DeadlineError) return true; // a pooler with a single server has none left for the first
    throw error;
  } finally {
    await Promise.all([first.end(0), second.end(0)]);
  }
}

async function backendOf(sql: Sql): Promise<number | undefined> {
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return row?.pid;
}
