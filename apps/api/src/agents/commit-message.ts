import { agent } from "@berth/contract";
import type { TransactionSql } from "@berth/database";
import type { LogLevel } from "@berth/http-api";
import { agentLogSourceId } from "../daemons/write-agents.ts";
import { channels } from "../channels.ts";
import type { EdgeContext } from "../edge-context.ts";
import { appendAgentLog } from "../logs/agent-log.ts";
import { storable } from "../logs/job-log.ts";
import type { AgentStreamKey } from "./agent-row.ts";
import { hasStarted, lifecycleState, mayFollow } from "./lifecycle.ts";

type Message = NonNullable<agent.ConnectRequest["message"]>;

/** Commits one numbered message of an agent process, once. Undefined when the process was superseded meanwhile. */
export async function commitAgentMessage(
  edge: EdgeContext,
  key: AgentStreamKey,
  sequence: number,
  message: Message,
): Promise<"committed" | "known" | undefined> {
  const outcome = await edge.database.transaction(async (sql) => {
    const [row] = await sql<{ committed: number; lifecycle_state: string }[]>`
      select committed_sequence::float8 as committed, lifecycle_state from api.workspace_agent
      where id = ${key.agentId} and incarnation = ${key.incarnation} and revoked_at is null for update`;
    if (row === undefined) return undefined;
    if (sequence <= row.committed) return "known";
    await commitOne(edge, sql, key, row.lifecycle_state, message);
    await sql`update api.workspace_agent set committed_sequence = ${sequence} where id = ${key.agentId}`;
    return "committed";
  });
  if (outcome === "committed" && message.$case === "logs")
    edge.hints.notifySoon(channels.agentLogged, key.agentId);
  if (outcome === "committed" && message.$case === "metadata")
    edge.hints.notifySoon(channels.agentMeasured, key.agentId);
  return outcome;
}

async function commitOne(
  edge: EdgeContext,
  sql: TransactionSql,
  key: AgentStreamKey,
  lifecycle: string,
  message: Message,
): Promise<void> {
  switch (message.$case) {
    case "lifecycle":
      return advance(edge, sql, key, lifecycle, message.value);
    case "logs":
      return writeLogs(sql, key.agentId, message.value);
    case "scriptCompleted":
      return completeScript(edge, sql, key, message.value);
    case "metadata":
      return writeMetadata(sql, key.agentId, message.value);
    case "workingDirectory":
      return setDirectory(edge, sql, key, message.value);
    case "hello":
    case "beat":
    case "stats":
      return; // not numbered
  }
}

/** Moves the lifecycle forward; a message that came late changes nothing. */
async function advance(
  edge: EdgeContext,
  sql: TransactionSql,
  key: AgentStreamKey,
  from: string,
  { state, changedAt }: agent.Lifecycle,
): Promise<void> {
  const to = lifecycleState(state);
  if (to === undefined || !mayFollow(from, to)) return;
  const at = changedAt ?? new Date();
  await sql`
    update api.workspace_agent set lifecycle_state = ${to}, updated_at = now(),
      started_at = case when ${to === "starting"} then ${at} else started_at end,
      ready_at = case when ${hasStarted(to)} then coalesce(ready_at, ${at}) else ready_at end
    where id = ${key.agentId}`;
  await edge.hints.notify(sql, channels.workspaceChanged, key.workspaceId);
}

async function setDirectory(
  edge: EdgeContext,
  sql: TransactionSql,
  key: AgentStreamKey,
  { expandedDirectory }: agent.WorkingDirectory,
): Promise<void> {
  await sql`
    update api.workspace_agent set expanded_directory = ${storable(expandedDirectory)}, updated_at = now()
    where id = ${key.agentId}`;
  await edge.hints.notify(sql, channels.workspaceChanged, key.workspaceId);
}

const LEVELS: Readonly<Record<number, LogLevel | undefined>> = {
  [agent.AgentLogLevel.TRACE]: "trace",
  [agent.AgentLogLevel.DEBUG]: "debug",
  [agent.AgentLogLevel.WARN]: "warn",
  [agent.AgentLogLevel.ERROR]: "error",
};

async function writeLogs(sql: TransactionSql, agentId: string, batch: agent.AgentLogBatch): Promise<void> {
  const [source] = await sql<{ id: string }[]>`
    select id from api.workspace_agent_log_source where agent_id = ${agentId} and id::text = ${batch.logSourceId}`;
  await appendAgentLog(
    sql,
    agentId,
    source?.id ?? (await ownLogSource(sql, agentId)),
    batch.lines.map((line) => ({
      createdAt: line.createdAt ?? new Date(),
      level: LEVELS[line.level] ?? "info",
      output: line.output,
    })),
  );
}

/** Lines of a source that is gone (its script was built anew) stay readable as the agent's own. */
async function ownLogSource(sql: TransactionSql, agentId: string): Promise<string> {
  const id = agentLogSourceId(agentId);
  await sql`
    insert into api.workspace_agent_log_source (id, agent_id, display_name) values (${id}, ${agentId}, 'Agent')
    on conflict (id) do nothing`;
  return id;
}

async function completeScript(
  edge: EdgeContext,
  sql: TransactionSql,
  key: AgentStreamKey,
  done: agent.ScriptCompleted,
): Promise<void> {
  const status = done.timedOut ? "timed_out" : done.exitCode === 0 ? "ok" : "exit_failure";
  await sql`
    update api.workspace_agent_script set exit_code = ${done.exitCode}, status = ${status},
      started_at = ${done.startedAt ?? null}, ended_at = ${done.endedAt ?? null}
    where agent_id = ${key.agentId} and id::text = ${done.scriptId}`;
  await edge.hints.notify(sql, channels.workspaceChanged, key.workspaceId);
}

async function writeMetadata(
  sql: TransactionSql,
  agentId: string,
  { results }: agent.MetadataBatch,
): Promise<void> {
  for (const result of results)
    await sql`
      update api.workspace_agent_metadata set value = ${storable(result.value)}, error = ${storable(result.error)},
        collected_at = ${result.collectedAt ?? new Date()}
      where agent_id = ${agentId} and key = ${result.key}`;
}
