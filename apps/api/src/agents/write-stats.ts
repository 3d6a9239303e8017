import { type agent, msFromDuration } from "@berth/contract";
import type { Queryable } from "@berth/database";
import type { KnownAgent } from "./authenticate.ts";

/** Keeps what an agent counted since its last report; a workspace in which somebody works was used. */
export async function writeStats(
  sql: Queryable,
  { agentId, workspaceId }: KnownAgent,
  stats: agent.Stats,
): Promise<void> {
  const latency = stats.connectionMedianLatency;
  await sql`
    insert into api.workspace_agent_stat (agent_id, connection_count, session_count_ssh, session_count_vscode,
      session_count_jetbrains, received_bytes, sent_bytes, median_latency_ms)
    values (${agentId}, ${Number(stats.connectionCount)}, ${Number(stats.sessionCountSsh)}, ${Number(stats.sessionCountVscode)},
      ${Number(stats.sessionCountJetbrains)}, ${Number(stats.receivedBytes)}, ${Number(stats.sentBytes)},
      ${latency === undefined ? null : msFromDuration(latency)})
    on conflict (agent_id, at) do nothing`;
  if (stats.sessionCountSsh + stats.sessionCountVscode + stats.sessionCountJetbrains > 0n)
    await sql`update api.workspace set last_used_at = now() where id = ${workspaceId}`;
}
