import { Type, type Static } from "typebox";
import {
  flag,
  id,
  integer,
  list,
  map,
  nullable,
  number,
  object,
  oneOf,
  optional,
  shape,
  sharingLevel,
  text,
  time,
  transition,
} from "../shape.ts";
import { DerpMap } from "../deployment/shapes.ts";
import { LogLevel } from "../jobs/shapes.ts";

/** Whether an agent is there. */
export const AgentStatus = oneOf("connecting", "connected", "disconnected", "timeout");
export type AgentStatus = Static<typeof AgentStatus>;

/** How far an agent has come with its scripts. */
export const AgentLifecycle = oneOf(
  "created",
  "starting",
  "start_timeout",
  "start_error",
  "ready",
  "shutting_down",
  "shutdown_timeout",
  "shutdown_error",
  "off",
);
export type AgentLifecycle = Static<typeof AgentLifecycle>;

/** What an app of a workspace said it is doing. */
export const AppStatus = shape("WorkspaceAppStatus", {
  id: id(),
  created_at: time(),
  workspace_id: id(),
  agent_id: id(),
  app_id: id(),
  state: oneOf("working", "complete", "failure", "idle"),
  message: text(),
  uri: text(),
  icon: text(),
  needs_user_attention: flag(),
});

/** A web application or command of a workspace. */
export const WorkspaceApp = shape("WorkspaceApp", {
  id: id(),
  url: optional(text()),
  external: flag(),
  slug: text(),
  display_name: optional(text()),
  command: optional(text()),
  icon: optional(text()),
  subdomain: flag(),
  subdomain_name: optional(text()),
  sharing_level: sharingLevel(),
  healthcheck: optional(object({ url: text(), interval: integer(), threshold: integer() })),
  health: oneOf("disabled", "initializing", "healthy", "unhealthy"),
  group: optional(text()),
  hidden: flag(),
  open_in: oneOf("slim-window", "tab"),
  tooltip: optional(text()),
  statuses: list(AppStatus),
});

/** A script an agent runs. */
export const WorkspaceAgentScript = shape("WorkspaceAgentScript", {
  id: id(),
  log_source_id: id(),
  log_path: text(),
  script: text(),
  cron: text(),
  run_on_start: flag(),
  run_on_stop: flag(),
  start_blocks_login: flag(),
  timeout: integer(),
  display_name: text(),
  exit_code: optional(integer()),
  status: optional(oneOf("ok", "exit_failure", "timed_out", "pipes_left_open")),
});

/** What a line of an agent's log comes from. */
export const WorkspaceAgentLogSource = shape("WorkspaceAgentLogSource", {
  workspace_agent_id: id(),
  id: id(),
  created_at: time(),
  display_name: text(),
  icon: text(),
});

/** What an agent measured last by one of its scripts, and how it measures it. */
export const WorkspaceAgentMetadata = shape("WorkspaceAgentMetadata", {
  result: object({ collected_at: time(), age: integer(), value: text(), error: text() }),
  description: object({
    display_name: text(),
    key: text(),
    script: text(),
    interval: integer(),
    timeout: integer(),
  }),
});
export type WorkspaceAgentMetadata = Static<typeof WorkspaceAgentMetadata>;

/** What runs inside a workspace and lets people in. */
export const WorkspaceAgent = shape("WorkspaceAgent", {
  id: id(),
  parent_id: nullable(id()),
  created_at: time(),
  updated_at: time(),
  first_connected_at: optional(time()),
  last_connected_at: optional(time()),
  disconnected_at: optional(time()),
  started_at: optional(time()),
  ready_at: optional(time()),
  status: AgentStatus,
  lifecycle_state: AgentLifecycle,
  name: text(),
  resource_id: id(),
  instance_id: optional(text()),
  architecture: text(),
  environment_variables: map(),
  operating_system: text(),
  logs_length: integer(),
  logs_overflowed: flag(),
  directory: optional(text()),
  expanded_directory: optional(text()),
  version: text(),
  api_version: text(),
  apps: list(WorkspaceApp),
  latency: optional(Type.Record(Type.String(), object({ preferred: flag(), latency_ms: number() }))),
  connection_timeout_seconds: integer(),
  troubleshooting_url: text(),
  subsystems: list(oneOf("envbox", "envbuilder", "exectrace")),
  health: object({ healthy: flag(), reason: optional(text()) }),
  display_apps: list(
    oneOf("vscode", "vscode_insiders", "web_terminal", "ssh_helper", "port_forwarding_helper"),
  ),
  log_sources: list(WorkspaceAgentLogSource),
  scripts: list(WorkspaceAgentScript),
  metadata: optional(list(WorkspaceAgentMetadata)),
  startup_script_behavior: oneOf("blocking", "non-blocking"),
  login_before_ready: optional(flag()),
});
export type WorkspaceAgent = Static<typeof WorkspaceAgent>;

/** Something Terraform made for a workspace. */
export const WorkspaceResource = shape("WorkspaceResource", {
  id: id(),
  created_at: time(),
  job_id: id(),
  workspace_transition: transition(),
  type: text(),
  name: text(),
  hide: flag(),
  icon: text(),
  agents: optional(list(WorkspaceAgent)),
  metadata: optional(list(object({ key: text(), value: text(), sensitive: flag() }))),
  daily_cost: integer(),
});
export type WorkspaceResource = Static<typeof WorkspaceResource>;

/** One line of an agent's log. */
export const WorkspaceAgentLog = shape("WorkspaceAgentLog", {
  id: integer(),
  created_at: time(),
  output: text(),
  level: LogLevel,
  source_id: id(),
});
export type WorkspaceAgentLog = Static<typeof WorkspaceAgentLog>;

/** How clients reach agents in general. */
export const ConnectionSettings = shape("AgentConnectionInfo", {
  derp_map: DerpMap,
  derp_force_websockets: flag(),
  disable_direct_connections: flag(),
  hostname_suffix: text(),
  /** Ours, where one agent is asked for: one line of authorized_keys form, for ssh's KnownHostsCommand. */
  ssh_host_key: optional(text()),
});
export type ConnectionSettings = Static<typeof ConnectionSettings>;

/** The caller's key, fresh per process: 64 lower-case hex digits of an X25519 public key. */
export const ConnectAgent = shape("ConnectAgentRequest", {
  client_public_key: Type.String({ pattern: "^[0-9a-f]{64}$" }),
});
export type ConnectAgent = Static<typeof ConnectAgent>;

/** What a client needs to open a session at one agent. */
export const AgentConnection = shape("AgentConnection", {
  ...ConnectionSettings.properties,
  agent_id: id(),
  agent_name: text(),
  workspace_id: id(),
  /** X25519, hex. */
  agent_public_key: text(),
  /** One line of authorized_keys form. */
  ssh_host_key: text(),
  /** Signed for the client's key; goes into the first message of the handshake and to the relay. */
  ticket: text(),
  start_before: time(),
  relay_until: time(),
});
export type AgentConnection = Static<typeof AgentConnection>;
