import { expect, test } from "vitest";
import type { TSchema } from "typebox";
import * as api from "./index.ts";

// The public shapes as they are documented: a field's name, `?` when it may be absent, `~` when it may be null, and its type.
// s text, n number, b boolean, id a UUID, t a time, {} a map, [] an array that is never null, o an object, a|b closed words.
const DOCUMENTED = {
  Response: "message s, detail? s, validations? []",
  Validation: "field s, detail s",
  BuildInfo:
    "external_url s, version s, dashboard_url s, telemetry b, workspace_proxy b, agent_api_version s, provisioner_api_version s, upgrade_message s, deployment_id s, webpush_public_key? s",
  User: "id id, username s, name? s, avatar_url? s, email s, created_at t, updated_at t, last_seen_at? t, status active|dormant|suspended, login_type password|github|oidc|token|none|, is_service_account? b, theme_preference? s, organization_ids [], roles [], has_ai_seat b",
  SlimRole: "name s, display_name s, organization_id? s",
  Organization:
    "id id, name s, display_name s, icon s, description s, created_at t, updated_at t, is_default b, default_org_member_roles []",
  Template:
    "id id, created_at t, updated_at t, organization_id id, organization_name s, organization_display_name s, organization_icon s, name s, display_name s, provisioner terraform|echo, active_version_id id, active_user_count n, build_time_stats o, description s, deprecated b, deprecation_message s, deleted b, icon s, default_ttl_ms n, activity_bump_ms n, time_til_autostop_notify_ms n, autostop_requirement o, autostart_requirement o, created_by_id id, created_by_name s, allow_user_autostart b, allow_user_autostop b, allow_user_cancel_workspace_jobs b, failure_ttl_ms n, time_til_dormant_ms n, time_til_dormant_autodelete_ms n, require_active_version b, max_port_share_level owner|authenticated|organization|public, cors_behavior simple|passthru, use_classic_parameter_flow b, agents_allowed b, disable_module_cache b, module_cache_disabled_by_deployment b, allow_workspace_renames b",
  "Template.build_time_stats": "start o, stop o, delete o",
  "Template.build_time_stats.start": "P50~ n, P95~ n",
  "Template.autostop_requirement": "days_of_week [], weeks n",
  "Template.autostart_requirement": "days_of_week []",
  TemplateVersion:
    "id id, template_id? id, organization_id? id, created_at t, updated_at t, name s, message s, job o, readme s, created_by o, archived b, warnings? [], matched_provisioners? o, has_external_agent b",
  "TemplateVersion.created_by": "id id, username s, name? s, avatar_url? s",
  TemplateVersionParameter:
    "name s, display_name? s, description s, description_plaintext s, type s, form_type |checkbox|dropdown|error|input|multi-select|radio|slider|switch|tag-select|textarea, mutable b, default_value s, icon s, options [], validation_error? s, validation_regex? s, validation_min? n, validation_max? n, validation_monotonic? increasing|decreasing, required b, ephemeral b",
  "TemplateVersionParameter.options.items": "name s, description s, value s, icon s",
  Workspace:
    "id id, created_at t, updated_at t, owner_id id, owner_name s, owner_avatar_url s, organization_id id, organization_name s, template_id id, template_name s, template_display_name s, template_icon s, template_allow_user_cancel_workspace_jobs b, template_active_version_id id, template_require_active_version b, template_use_classic_parameter_flow b, latest_build o, latest_app_status~ o, outdated b, name s, autostart_schedule? s, ttl_ms? n, last_used_at t, deleting_at~ t, dormant_at~ t, health o, automatic_updates always|never, allow_renames b, favorite b, next_start_at~ t, is_prebuild b, shared_with? [], held? o",
  "Workspace.health": "healthy b, failing_agents []",
  "Workspace.shared_with.items": "id id, actor_type user|group, name s, avatar_url? s, roles []",
  WorkspaceList: "workspaces [], count n",
  WorkspaceBuild:
    "id id, created_at t, updated_at t, workspace_id id, workspace_name s, workspace_owner_id id, workspace_owner_name s, workspace_owner_avatar_url? s, template_version_id id, template_version_name s, build_number n, transition start|stop|delete, initiator_id id, initiator_name s, job o, reason initiator|autostart|autostop|dormancy|dashboard|cli|ssh_connection|vscode_connection|jetbrains_connection, resources [], deadline~ t, max_deadline~ t, status pending|starting|running|stopping|stopped|failed|canceling|canceled|deleting|deleted, daily_cost n, matched_provisioners? o, template_version_preset_id~ id, has_external_agent? b",
  MatchedProvisioners: "count n, available n, most_recently_seen?~ t",
  WorkspaceBuildParameter: "name s, value s",
  ProvisionerJob:
    "id id, created_at t, started_at? t, completed_at? t, canceled_at? t, error? s, error_code? REQUIRED_TEMPLATE_VARIABLES|INSUFFICIENT_QUOTA, status pending|running|succeeded|failed|canceling|canceled|unknown, worker_id? id, worker_name? s, file_id id, tags {}, queue_position n, queue_size n, organization_id id, initiator_id id, input o, type template_version_import|workspace_build|template_version_dry_run, available_workers? [], metadata o, logs_overflowed b, waiting_reason? s",
  "ProvisionerJob.input": "template_version_id? id, workspace_build_id? id, error? s",
  "ProvisionerJob.metadata":
    "template_version_name s, template_id id, template_name s, template_display_name s, template_icon s, workspace_id? id, workspace_name? s, workspace_build_transition? start|stop|delete",
  ProvisionerJobLog:
    "id n, created_at t, log_source provisioner_daemon|provisioner, log_level trace|debug|info|warn|error, stage s, output s",
  WorkspaceAgentLog: "id n, created_at t, output s, level trace|debug|info|warn|error, source_id id",
  WorkspaceResource:
    "id id, created_at t, job_id id, workspace_transition start|stop|delete, type s, name s, hide b, icon s, agents? [], metadata? [], daily_cost n",
  "WorkspaceResource.metadata.items": "key s, value s, sensitive b",
  WorkspaceAgent:
    "id id, parent_id~ id, created_at t, updated_at t, first_connected_at? t, last_connected_at? t, disconnected_at? t, started_at? t, ready_at? t, status connecting|connected|disconnected|timeout, lifecycle_state created|starting|start_timeout|start_error|ready|shutting_down|shutdown_timeout|shutdown_error|off, name s, resource_id id, instance_id? s, architecture s, environment_variables {}, operating_system s, logs_length n, logs_overflowed b, directory? s, expanded_directory? s, version s, api_version s, apps [], latency? {}, connection_timeout_seconds n, troubleshooting_url s, subsystems [], health o, display_apps [], log_sources [], scripts [], metadata? [], startup_script_behavior blocking|non-blocking, login_before_ready? b",
  "WorkspaceAgent.health": "healthy b, reason? s",
  "WorkspaceAgentMetadata.result": "collected_at t, age n, value s, error s",
  "WorkspaceAgentMetadata.description": "display_name s, key s, script s, interval n, timeout n",
  WorkspaceAgentLogSource: "workspace_agent_id id, id id, created_at t, display_name s, icon s",
  WorkspaceAgentScript:
    "id id, log_source_id id, log_path s, script s, cron s, run_on_start b, run_on_stop b, start_blocks_login b, timeout n, display_name s, exit_code? n, status? ok|exit_failure|timed_out|pipes_left_open",
  WorkspaceApp:
    "id id, url? s, external b, slug s, display_name? s, command? s, icon? s, subdomain b, subdomain_name? s, sharing_level owner|authenticated|organization|public, healthcheck? o, health disabled|initializing|healthy|unhealthy, group? s, hidden b, open_in slim-window|tab, tooltip? s, statuses []",
  AppStatus:
    "id id, created_at t, workspace_id id, agent_id id, app_id id, state working|complete|failure|idle, message s, uri s, icon s, needs_user_attention b",
  SshConfig: "hostname_prefix s, hostname_suffix s, ssh_config_options {}",
  Appearance:
    "application_name s, logo_url s, docs_url s, service_banner o, announcement_banners [], support_links? []",
  "Appearance.service_banner": "enabled b, message? s, background_color? s",
  Replica:
    "id id, hostname s, created_at t, relay_address s, region_id n, error s, database_latency n, state starting|ready|draining|stopped|lost|unobserved, services [], version s",
  ProvisionerDaemon:
    "id id, organization_id id, key_id id, created_at t, last_seen_at? t, name s, version s, api_version s, provisioners [], tags {}, key_name~ s, status~ offline|idle|busy, current_job~ o, previous_job~ o",
  "ProvisionerDaemon.current_job":
    "id id, status pending|running|succeeded|failed|canceling|canceled|unknown, template_name s, template_icon s, template_display_name s",
  ConnectionSettings:
    "derp_map o, derp_force_websockets b, disable_direct_connections b, hostname_suffix s, ssh_host_key? s",
  DerpMap: "Regions {}, omitDefaultRegions? b",
  LoggedIn: "session_token s",
  KeyCreated: "key s",
  FirstUserCreated: "user_id id, organization_id id",
  Uploaded: "hash id",
} satisfies Record<string, string>;

interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** The schema at `Shape.field.field`; `items` leads into an array. */
function schemaAt(path: string): Schema {
  const [name = "", ...fields] = path.split(".");
  const shapes: Readonly<Record<string, unknown>> = { ...api };
  return fields.reduce<Schema>((at, field) => {
    const { items, properties = {} } = withoutNull(at);
    return (field === "items" ? items : properties[field]) ?? {};
  }, shapes[name] as TSchema);
}

const withoutNull = (schema: Schema) => schema.anyOf?.find(({ type }) => type !== "null") ?? schema;

/** A schema's fields in the words above. */
function fieldsOf(path: string): string[] {
  const { properties = {}, required = [] } = withoutNull(schemaAt(path));
  return Object.entries(properties).map(([name, schema]) => {
    const marks = `${required.includes(name) ? "" : "?"}${schema.anyOf === undefined ? "" : "~"}`;
    return `${name}${marks} ${typeOf(withoutNull(schema))}`;
  });
}

const WORDS: Readonly<Record<string, string>> = { integer: "n", number: "n", boolean: "b", array: "[]" };

function typeOf({ type = "", format, enum: words, properties }: Schema): string {
  if (words !== undefined) return words.join("|");
  if (type === "string") return format === "uuid" ? "id" : format === "date-time" ? "t" : "s";
  if (type === "object") return properties === undefined ? "{}" : "o";
  return WORDS[type] ?? type;
}

/** Stricter here than in public, which no reader minds: always a UUID, or always there. */
const STRICTER: Readonly<Record<string, string>> = {
  "BuildInfo.deployment_id s": "deployment_id id",
  "SlimRole.organization_id? s": "organization_id? id",
};

test.each(Object.entries(DOCUMENTED))(
  "%s has every documented field with its type, and no other",
  (path, fields) => {
    const documented = fields.split(", ").map((field) => STRICTER[`${path}.${field}`] ?? field);
    expect(fieldsOf(path).toSorted()).toEqual(documented.toSorted());
  },
);
