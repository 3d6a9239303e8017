import type { Queryable, TransactionSql } from "@berth/database";
import type { LogLevel, WorkspaceAgentLog } from "@berth/http-api";
import { storable } from "./job-log.ts";

/** A line of an agent's log as it comes. */
export interface AgentLogLine {
  readonly createdAt: Date;
  readonly level: LogLevel;
  readonly output: string;
}

/** What one agent may write; the rest is dropped and the agent says `logs_overflowed`. */
export const AGENT_LOG_BYTES = 1 << 20;

/** Appends lines to an agent's log. The caller has locked the agent's row: ids become visible in their order. */
export async function appendAgentLog(
  sql: TransactionSql,
  agentId: string,
  sourceId: string,
  lines: readonly AgentLogLine[],
): Promise<void> {
  const [agent] = await sql<{ last: number; bytes: number }[]>`
    select last_log_id::float8 as last, logs_length::float8 as bytes from api.workspace_agent where id = ${agentId}`;
  if (agent === undefined || lines.length === 0) return;
  let bytes = agent.bytes;
  const kept = lines.filter((line) => {
    if (bytes + Buffer.byteLength(line.output) > AGENT_LOG_BYTES) return false;
    bytes += Buffer.byteLength(line.output);
    return true;
  });
  if (kept.length > 0)
    await sql`insert into api.workspace_agent_log ${sql(
      kept.map((line, at) => ({
        agent_id: agentId,
        id: agent.last + 1 + at,
        log_source_id: sourceId,
        created_at: line.createdAt,
        level: line.level,
        output: storable(line.output),
      })),
    )}`;
  await sql`
    update api.workspace_agent set last_log_id = ${agent.last + kept.length}, logs_length = ${bytes},
      logs_overflowed = logs_overflowed or ${kept.length < lines.length}
    where id = ${agentId}`;
}

/** Lines of an agent with `after < id < before`, in their order. */
export async function readAgentLog(
  sql: Queryable,
  agentId: string,
  range: { readonly after?: number; readonly before?: number; readonly limit?: number } = {},
): Promise<WorkspaceAgentLog[]> {
  const rows = await sql<(Omit<WorkspaceAgentLog, "created_at"> & { created_at: Date })[]>`
    select id::float8 as id, created_at, output, level, log_source_id as source_id from api.workspace_agent_log
    where agent_id = ${agentId} and id > ${range.after ?? 0} and id < ${range.before ?? Number.MAX_SAFE_INTEGER}
    order by id limit ${range.limit ?? null}`;
  return rows.map((row) => ({ ...row, created_at: row.created_at.toISOString() }));
}
