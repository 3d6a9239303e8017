import { type agent, durationFromMs } from "@berth/contract";
import type { Queryable } from "@berth/database";
import { agentLogSourceId } from "../daemons/write-agents.ts";
import type { EdgeContext } from "../edge-context.ts";
import { issueRelayTicket } from "./tickets.ts";

const STATS_INTERVAL_MS = 60_000;

interface AgentRow {
  name: string;
  workspace_id: string;
  workspace_name: string;
  owner_id: string;
  owner_username: string;
  directory: string;
  environment: Record<string, string>;
  motd_file: string;
  public_key: Buffer | null;
  build_ended: boolean;
}

/** Everything but the relay ticket, which is new each time; undefined until the agent's build has ended. */
export async function readManifest(
  edge: EdgeContext,
  agentId: string,
): Promise<{ readonly manifest: agent.Manifest; readonly agentKey: Buffer } | undefined> {
  const { sql } = edge.database;
  const [row] = await sql<AgentRow[]>`
    select agent.name, agent.workspace_id, workspace.name as workspace_name, workspace.owner_id,
      owner.username as owner_username, agent.directory, agent.environment, agent.motd_file, agent.public_key,
      agent.resource_id is not null as build_ended
    from api.workspace_agent agent
    join api.workspace on workspace.id = agent.workspace_id
    join api.user owner on owner.id = workspace.owner_id
    where agent.id = ${agentId}`;
  if (row === undefined || row.public_key === null || !row.build_ended) return undefined;
  const manifest: agent.Manifest = {
    agentId,
    agentName: row.name,
    workspaceId: row.workspace_id,
    workspaceName: row.workspace_name,
    ownerId: row.owner_id,
    ownerUsername: row.owner_username,
    directory: row.directory,
    environment: row.environment,
    motdFile: row.motd_file,
    scripts: await readScripts(sql, agentId),
    metadata: await readMetadata(sql, agentId),
    derpMapJson: JSON.stringify(edge.relays.derpMap()),
    ticketKeys: edge.signingKeys.all().map(({ id, publicKey }) => ({ id, publicKey })),
    relayTicket: "",
    statsInterval: durationFromMs(STATS_INTERVAL_MS),
    derpForceWebsockets: edge.relays.forceWebSockets,
    blockDirect: edge.relays.blockDirect,
    accessUrl: edge.accessUrl,
    agentLogSourceId: agentLogSourceId(agentId),
    deploymentId: edge.secrets.deploymentId,
  };
  return { manifest, agentKey: row.public_key };
}

/** The manifest as it is sent. */
export function withRelayTicket(
  edge: EdgeContext,
  { manifest, agentKey }: { readonly manifest: agent.Manifest; readonly agentKey: Buffer },
): agent.Manifest {
  return { ...manifest, relayTicket: issueRelayTicket(edge, manifest.agentId, agentKey).token };
}

async function readScripts(sql: Queryable, agentId: string): Promise<agent.AgentScript[]> {
  const rows = await sql<(Omit<agent.AgentScript, "timeout"> & { timeout_seconds: number })[]>`
    select id, log_source_id as "logSourceId", display_name as "displayName", source, log_path as "logPath", cron,
      run_on_start as "runOnStart", run_on_stop as "runOnStop", start_blocks_login as "startBlocksLogin", timeout_seconds
    from api.workspace_agent_script where agent_id = ${agentId} order by position`;
  return rows.map(({ timeout_seconds, ...script }) => ({
    ...script,
    timeout: durationFromMs(timeout_seconds * 1000),
  }));
}

async function readMetadata(sql: Queryable, agentId: string): Promise<agent.AgentMetadata[]> {
  const rows = await sql<
    { key: string; display_name: string; script: string; interval: number; timeout: number }[]
  >`
    select key, display_name, script, interval_seconds::float8 as interval, timeout_seconds::float8 as timeout
    from api.workspace_agent_metadata where agent_id = ${agentId} order by position`;
  return rows.map((row) => ({
    key: row.key,
    displayName: row.display_name,
    script: row.script,
    interval: durationFromMs(row.interval * 1000),
    timeout: durationFromMs(row.timeout * 1000),
  }));
}
