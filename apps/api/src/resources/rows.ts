import type { Queryable } from "@berth/database";
import type { AgentLifecycle, WorkspaceAgent, WorkspaceResource } from "@berth/http-api";
import type { AgentTimes } from "../agents/status.ts";

export interface ResourceRow {
  readonly id: string;
  readonly job_id: string;
  readonly transition: "start" | "stop" | "delete";
  readonly type: string;
  readonly name: string;
  readonly hide: boolean;
  readonly icon: string;
  readonly daily_cost: number;
  readonly metadata: NonNullable<WorkspaceResource["metadata"]>;
  readonly created_at: Date;
}

export interface AgentRow extends AgentTimes {
  readonly id: string;
  readonly resource_id: string;
  readonly workspace_id: string | null;
  readonly name: string;
  readonly operating_system: string;
  readonly architecture: string;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly troubleshooting_url: string;
  readonly instance_id: string | null;
  readonly display_apps: WorkspaceAgent["display_apps"];
  readonly startup_script_behavior: WorkspaceAgent["startup_script_behavior"];
  readonly updated_at: Date;
  readonly public_key: Buffer | null;
  readonly ssh_host_key: string;
  readonly version: string;
  readonly api_version: string;
  readonly expanded_directory: string;
  readonly subsystems: WorkspaceAgent["subsystems"];
  readonly lifecycle_state: AgentLifecycle;
  readonly started_at: Date | null;
  readonly ready_at: Date | null;
  readonly relay_round_trip_ms: number | null;
  readonly logs_length: number;
  readonly logs_overflowed: boolean;
  readonly revoked_at: Date | null;
  /** The database's clock. */
  readonly now: Date;
}

export interface ScriptRow {
  readonly id: string;
  readonly agent_id: string;
  readonly log_source_id: string;
  readonly display_name: string;
  readonly source: string;
  readonly log_path: string;
  readonly cron: string;
  readonly run_on_start: boolean;
  readonly run_on_stop: boolean;
  readonly start_blocks_login: boolean;
  readonly timeout_seconds: number;
  readonly exit_code: number | null;
  readonly status: WorkspaceAgent["scripts"][number]["status"] | null;
}

export interface LogSourceRow {
  readonly id: string;
  readonly agent_id: string;
  readonly display_name: string;
  readonly icon: string;
  readonly created_at: Date;
}

export async function resourceRows(sql: Queryable, jobIds: readonly string[]): Promise<ResourceRow[]> {
  return sql<ResourceRow[]>`
    select id, job_id, transition, type, name, hide, icon, daily_cost, metadata, created_at
    from api.workspace_resource where job_id = any(${[...jobIds]}::uuid[]) order by job_id, position, name`;
}

const agentColumns = (sql: Queryable) => sql`
  id, resource_id, workspace_id, name, operating_system, architecture, directory, environment,
  connection_timeout_seconds, troubleshooting_url, instance_id, display_apps, startup_script_behavior, created_at,
  updated_at, public_key, ssh_host_key, version, api_version, expanded_directory, subsystems, lifecycle_state,
  first_connected_at, last_connected_at, disconnected_at, started_at, ready_at, relay_round_trip_ms,
  logs_length::float8 as logs_length, logs_overflowed, revoked_at, now() as now`;

export async function agentRows(sql: Queryable, resourceIds: readonly string[]): Promise<AgentRow[]> {
  return sql<AgentRow[]>`
    select ${agentColumns(sql)} from api.workspace_agent
    where resource_id = any(${[...resourceIds]}::uuid[]) order by position, name`;
}

/** An agent whose build has completed, in a workspace that the owner (or, for null, anybody) has. */
export async function findAgentRow(
  sql: Queryable,
  id: string,
  ownerId: string | null,
): Promise<AgentRow | undefined> {
  const [row] = await sql<AgentRow[]>`
    select ${agentColumns(sql)} from api.workspace_agent
    where id = ${id} and resource_id is not null and workspace_id in (
      select workspace.id from api.workspace where owner_id = coalesce(${ownerId}::uuid, owner_id) and deleted_at is null)`;
  return row;
}

export async function scriptRows(sql: Queryable, agentIds: readonly string[]): Promise<ScriptRow[]> {
  return sql<ScriptRow[]>`
    select id, agent_id, log_source_id, display_name, source, log_path, cron, run_on_start, run_on_stop,
      start_blocks_login, timeout_seconds, exit_code, status
    from api.workspace_agent_script where agent_id = any(${[...agentIds]}::uuid[]) order by position, display_name`;
}

export async function logSourceRows(sql: Queryable, agentIds: readonly string[]): Promise<LogSourceRow[]> {
  return sql<LogSourceRow[]>`
    select id, agent_id, display_name, icon, created_at
    from api.workspace_agent_log_source where agent_id = any(${[...agentIds]}::uuid[]) order by created_at, id`;
}
