import type { Queryable } from "@berth/database";
import type { DerpMap, WorkspaceAgent, WorkspaceResource } from "@berth/http-api";
import { agentView } from "./agent-view.ts";
import {
  type AgentRow,
  type ResourceRow,
  agentRows,
  logSourceRows,
  resourceRows,
  scriptRows,
} from "./rows.ts";

/** The resources of these jobs with their agents, by job: four statements, however many jobs. */
export async function readResources(
  sql: Queryable,
  derpMap: DerpMap,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, WorkspaceResource[]>> {
  if (jobIds.length === 0) return new Map();
  const resources = await resourceRows(sql, jobIds);
  const agents = await agentRows(
    sql,
    resources.map(({ id }) => id),
  );
  const views = await agentViews(sql, derpMap, agents);
  const byJob = Map.groupBy(resources, ({ job_id }) => job_id);
  return new Map(jobIds.map((id) => [id, (byJob.get(id) ?? []).map((row) => resourceView(row, views))]));
}

/** Agents as public clients read them. */
export async function agentViews(
  sql: Queryable,
  derpMap: DerpMap,
  rows: readonly AgentRow[],
): Promise<WorkspaceAgent[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const scripts = Map.groupBy(await scriptRows(sql, ids), ({ agent_id }) => agent_id);
  const sources = Map.groupBy(await logSourceRows(sql, ids), ({ agent_id }) => agent_id);
  return rows.map((row) => agentView(row, scripts.get(row.id) ?? [], sources.get(row.id) ?? [], derpMap));
}

function resourceView(row: ResourceRow, agents: readonly WorkspaceAgent[]): WorkspaceResource {
  const own = agents.filter(({ resource_id }) => resource_id === row.id);
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    job_id: row.job_id,
    workspace_transition: row.transition,
    type: row.type,
    name: row.name,
    hide: row.hide,
    icon: row.icon,
    ...(own.length > 0 && { agents: own }),
    metadata: row.metadata.map((item) => (item.sensitive ? { ...item, value: "" } : item)),
    daily_cost: row.daily_cost,
  };
}
