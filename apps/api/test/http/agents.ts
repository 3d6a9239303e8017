import { randomUUID } from "node:crypto";
import type { Database } from "@berth/database";

interface NewAgent {
  readonly workspaceId: string;
  readonly jobId: string;
  readonly agentKey: Buffer;
}

/** The rows of a connected agent, as a daemon and the agent write them: a resource, a script and its log. */
export async function makeAgent(
  database: Database,
  { workspaceId, jobId, agentKey }: NewAgent,
): Promise<string> {
  const [resourceId, agentId, sourceId] = [randomUUID(), randomUUID(), randomUUID()];
  await database.transaction(async (sql) => {
    await sql`
      insert into api.workspace_resource (id, job_id, transition, type, name)
      values (${resourceId}, ${jobId}, 'start', 'terraform_data', 'home')`;
    await sql`
      insert into api.workspace_agent (id, resource_id, workspace_id, job_id, name, token_hash, public_key, ssh_host_key,
        lifecycle_state, first_connected_at, last_connected_at, relay_round_trip_ms)
      values (${agentId}, ${resourceId}, ${workspaceId}, ${jobId}, 'main', ${Buffer.from(agentId)}, ${agentKey},
        'ssh-ed25519 AAAA', 'ready', now(), now(), 1.5)`;
    await sql`
      insert into api.workspace_agent_log_source (id, agent_id, display_name) values (${sourceId}, ${agentId}, 'Start')`;
    await sql`
      insert into api.workspace_agent_script (id, agent_id, log_source_id, source, run_on_start)
      values (${randomUUID()}, ${agentId}, ${sourceId}, 'echo hello', true)`;
    await sql`
      insert into api.workspace_agent_log (agent_id, id, log_source_id, created_at, level, output)
      values (${agentId}, 1, ${sourceId}, now(), 'info', 'hello')`;
  });
  return agentId;
}
