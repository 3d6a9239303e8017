import { createHash, randomUUID } from "node:crypto";
import { CodedError, isUuid } from "@berth/std";
import type { provisioner } from "@berth/contract";
import type { TransactionSql } from "@berth/database";

// An agent's row belongs to the provider's id, which Terraform keeps over builds. A token is good from the moment the provider
// reports it until its workspace is stopped, deleted or built without it; the hash stays, so that the agent hears why.

/** How an agent's token is stored. */
export function hashAgentToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Lets an agent in before its build has ended. */
export async function admitAgent(
  sql: TransactionSql,
  jobId: string,
  reported: provisioner.AgentToken,
): Promise<void> {
  const [build] = await sql<{ workspace_id: string }[]>`
    select workspace_id from api.workspace_build where job_id = ${jobId}`;
  if (build === undefined || reported.token === "") return;
  await claimAgentRow(sql, {
    id: reported.agentId,
    token: reported.token,
    name: reported.name,
    jobId,
    workspaceId: build.workspace_id,
  });
  await sql`
    update api.workspace_agent set operating_system = ${reported.operatingSystem}, architecture = ${reported.architecture}
    where id = ${reported.agentId}`;
}

interface AgentRow {
  readonly id: string;
  readonly token: string;
  readonly name: string;
  readonly jobId: string;
  readonly workspaceId: string | null;
}

/** Makes the agent's row, or takes it over from the build before; a revoked one begins its life anew. */
async function claimAgentRow(sql: TransactionSql, agent: AgentRow): Promise<void> {
  if (!isUuid(agent.id)) throw new CodedError("invalid_argument", `agent id ${agent.id} is no UUID`);
  const hash = agent.token === "" ? null : hashAgentToken(agent.token);
  const [other] = await sql`
    select id from api.workspace_agent where token_hash = ${hash} and id <> ${agent.id}`;
  if (other !== undefined)
    throw new CodedError("failed_precondition", `agent ${agent.name} has the token of another agent`);
  await sql`
    update api.workspace_agent set revoked_at = null, lifecycle_state = 'created', created_at = now(), incarnation = null,
      first_connected_at = null, last_connected_at = null, disconnected_at = null, started_at = null, ready_at = null,
      replica_id = null, resource_id = null, committed_sequence = 0
    where id = ${agent.id} and workspace_id = ${agent.workspaceId} and revoked_at is not null`;
  const rows = await sql`
    insert into api.workspace_agent as agent (id, workspace_id, job_id, name, token_hash)
    values (${agent.id}, ${agent.workspaceId}, ${agent.jobId}, ${agent.name}, ${hash})
    on conflict (id) do update set job_id = excluded.job_id, name = excluded.name, token_hash = excluded.token_hash,
      updated_at = now()
    where agent.workspace_id = excluded.workspace_id
    returning id`;
  if (rows.length === 0)
    throw new CodedError("failed_precondition", `agent id ${agent.id} belongs to another workspace`);
}

/** Where an agent stands in a build's result. */
export interface AgentPlace {
  readonly jobId: string;
  readonly workspaceId: string | null;
  readonly resourceId: string;
  readonly place: number;
}

/** Writes an agent whole, with its scripts and metadata; answers its id. */
export async function writeAgent(
  sql: TransactionSql,
  { jobId, workspaceId, resourceId, place }: AgentPlace,
  agent: provisioner.Agent,
): Promise<string> {
  // An import describes agents that do not exist: what the plan calls their id is of no use.
  const id = workspaceId === null ? randomUUID() : agent.id.toLowerCase();
  const token = workspaceId === null ? "" : agent.token;
  await claimAgentRow(sql, { id, token, name: agent.name, jobId, workspaceId });
  await sql`
    update api.workspace_agent set resource_id = ${resourceId}, operating_system = ${agent.operatingSystem},
      architecture = ${agent.architecture}, directory = ${agent.directory},
      environment = ${JSON.stringify(agent.environment)}::text::jsonb, motd_file = ${agent.motdFile},
      connection_timeout_seconds = ${agent.connectionTimeoutSeconds}, troubleshooting_url = ${agent.troubleshootingUrl},
      instance_id = ${agent.instanceId || null}, display_apps = ${agent.displayApps},
      startup_script_behavior = ${agent.startupScriptBehavior || "non-blocking"},
      position = ${Number(agent.order) * 1000 + place}
    where id = ${id}`;
  await writeScripts(sql, id, agent.scripts);
  await writeMetadata(sql, id, agent.metadata);
  return id;
}

/** The log source of what the agent itself has to say: the same over builds. */
export function agentLogSourceId(agentId: string): string {
  const hex = createHash("sha256").update(`agent log source ${agentId}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

async function writeScripts(
  sql: TransactionSql,
  agentId: string,
  scripts: readonly provisioner.Script[],
): Promise<void> {
  await sql`delete from api.workspace_agent_script where agent_id = ${agentId}`;
  await sql`
    delete from api.workspace_agent_log_source source where agent_id = ${agentId}
      and not exists (select from api.workspace_agent_log log where log.log_source_id = source.id)`;
  await sql`
    insert into api.workspace_agent_log_source (id, agent_id, display_name)
    values (${agentLogSourceId(agentId)}, ${agentId}, 'Agent') on conflict (id) do nothing`;
  for (const [position, script] of scripts.entries()) {
    const sourceId = randomUUID();
    await sql`
      insert into api.workspace_agent_log_source (id, agent_id, display_name, icon)
      values (${sourceId}, ${agentId}, ${script.displayName}, ${script.icon})`;
    await sql`
      insert into api.workspace_agent_script (id, agent_id, log_source_id, display_name, source, log_path, cron, run_on_start,
        run_on_stop, start_blocks_login, timeout_seconds, position)
      values (${randomUUID()}, ${agentId}, ${sourceId}, ${script.displayName}, ${script.source}, ${script.logPath},
        ${script.cron}, ${script.runOnStart}, ${script.runOnStop}, ${script.startBlocksLogin}, ${script.timeoutSeconds},
        ${position})`;
  }
}

async function writeMetadata(
  sql: TransactionSql,
  agentId: string,
  items: readonly provisioner.MetadataItem[],
): Promise<void> {
  await sql`delete from api.workspace_agent_metadata where agent_id = ${agentId}`;
  for (const [position, item] of items.entries())
    await sql`
      insert into api.workspace_agent_metadata (agent_id, key, display_name, script, interval_seconds, timeout_seconds, position)
      values (${agentId}, ${item.key}, ${item.displayName}, ${item.script}, ${Number(item.intervalSeconds)},
        ${Number(item.timeoutSeconds)}, ${Number(item.order) * 1000 + position})`;
}

/** Ends the tokens of the workspace's other agents; answers the ids of those that were still good. */
export async function revokeAgentsExcept(
  sql: TransactionSql,
  workspaceId: string,
  keptIds: readonly string[],
): Promise<string[]> {
  const revoked = await sql<{ id: string }[]>`
    update api.workspace_agent set revoked_at = now(), updated_at = now()
    where workspace_id = ${workspaceId} and revoked_at is null and id <> all(${[...keptIds]}::uuid[]) returning id`;
  return revoked.map((row) => row.id);
}
