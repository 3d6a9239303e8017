import type { DerpMap, WorkspaceAgent } from "@berth/http-api";
import { agentStatus } from "../agents/status.ts";
import type { AgentRow, LogSourceRow, ScriptRow } from "./rows.ts";

const iso = (time: Date | null) => time?.toISOString();

/** The public agent. Fields that may be absent are left out where there is nothing to say. */
export function agentView(
  row: AgentRow,
  scripts: readonly ScriptRow[],
  sources: readonly LogSourceRow[],
  derpMap: DerpMap,
): WorkspaceAgent {
  const status = agentStatus(row, row.now);
  return {
    id: row.id,
    parent_id: null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    ...present("first_connected_at", iso(row.first_connected_at)),
    ...present("last_connected_at", iso(row.last_connected_at)),
    ...present("disconnected_at", status === "disconnected" ? iso(row.disconnected_at) : undefined),
    ...present("started_at", iso(row.started_at)),
    ...present("ready_at", iso(row.ready_at)),
    status,
    lifecycle_state: row.lifecycle_state,
    name: row.name,
    resource_id: row.resource_id,
    ...present("instance_id", row.instance_id ?? undefined),
    architecture: row.architecture,
    environment_variables: row.environment,
    operating_system: row.operating_system,
    logs_length: row.logs_length,
    logs_overflowed: row.logs_overflowed,
    directory: row.directory,
    expanded_directory: row.expanded_directory,
    version: row.version,
    api_version: row.api_version,
    apps: [],
    ...present("latency", latencyOf(row, derpMap)),
    connection_timeout_seconds: row.connection_timeout_seconds,
    troubleshooting_url: row.troubleshooting_url,
    subsystems: row.subsystems,
    health: healthOf(status, row.lifecycle_state),
    display_apps: row.display_apps,
    log_sources: sources.map(sourceView),
    scripts: scripts.map(scriptView),
    startup_script_behavior: row.startup_script_behavior,
    login_before_ready: row.startup_script_behavior === "non-blocking",
  };
}

function present<Key extends string, Value>(key: Key, value: Value | undefined): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
}

function latencyOf(
  { relay_round_trip_ms: latency_ms }: AgentRow,
  { Regions }: DerpMap,
): WorkspaceAgent["latency"] {
  const [region] = Object.values(Regions);
  if (latency_ms === null || region === undefined) return undefined;
  return { [region.RegionName]: { preferred: true, latency_ms } };
}

/** What is wrong with an agent, in words; one that has yet to connect is not wrong. */
function healthOf(
  status: WorkspaceAgent["status"],
  lifecycle: WorkspaceAgent["lifecycle_state"],
): WorkspaceAgent["health"] {
  const reason = reasonOf(status, lifecycle);
  return reason === undefined ? { healthy: true } : { healthy: false, reason };
}

function reasonOf(
  status: WorkspaceAgent["status"],
  lifecycle: WorkspaceAgent["lifecycle_state"],
): string | undefined {
  if (status === "timeout") return "the agent takes too long to connect";
  if (status === "disconnected") return "the agent is not connected any more";
  if (lifecycle === "start_error") return "the start-up script failed";
  if (lifecycle === "shutting_down") return "the agent is shutting down";
  return undefined;
}

function sourceView(row: LogSourceRow): WorkspaceAgent["log_sources"][number] {
  return {
    workspace_agent_id: row.agent_id,
    id: row.id,
    created_at: row.created_at.toISOString(),
    display_name: row.display_name,
    icon: row.icon,
  };
}

function scriptView(row: ScriptRow): WorkspaceAgent["scripts"][number] {
  return {
    id: row.id,
    log_source_id: row.log_source_id,
    log_path: row.log_path,
    script: row.source,
    cron: row.cron,
    run_on_start: row.run_on_start,
    run_on_stop: row.run_on_stop,
    start_blocks_login: row.start_blocks_login,
    timeout: row.timeout_seconds,
    display_name: row.display_name,
    ...present("exit_code", row.exit_code ?? undefined),
    ...present("status", row.status ?? undefined),
  };
}
