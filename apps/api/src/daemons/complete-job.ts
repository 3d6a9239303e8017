import { CodedError } from "@berth/std";
import type { provisioner } from "@berth/contract";
import type { TransactionSql } from "@berth/database";
import { channels } from "../channels.ts";
import type { EdgeContext } from "../edge-context.ts";
import { closeJob } from "../jobs/close.ts";
import type { Transition } from "../jobs/status.ts";
import { takeState } from "../states/take-state.ts";
import { completeImport } from "./complete-import.ts";
import { revokeAgentsExcept } from "./write-agents.ts";
import { writeResources } from "./write-resources.ts";

/** Writes what a job made and ends it, all in the caller's transaction, under the job's lock. */
export async function completeJob(
  edge: EdgeContext,
  sql: TransactionSql,
  jobId: string,
  { result }: provisioner.CompleteJob,
): Promise<void> {
  if (result === undefined) throw new CodedError("invalid_argument", "a completed job has a result");
  if (result.$case === "templateImport") await completeImport(sql, jobId, result.value);
  else await completeBuild(edge, sql, jobId, result.value);
  await closeJob(sql, edge.hints, jobId);
}

interface BuildRow {
  id: string;
  workspace_id: string;
  transition: Transition;
}

async function completeBuild(
  edge: EdgeContext,
  sql: TransactionSql,
  jobId: string,
  result: provisioner.WorkspaceBuildResult,
): Promise<void> {
  const [build] = await sql<BuildRow[]>`
    select id, workspace_id, transition from api.workspace_build where job_id = ${jobId}`;
  if (build === undefined) throw new CodedError("failed_precondition", `job ${jobId} is no workspace build`);
  if (result.state !== undefined) await takeState(sql, jobId, result.state);
  const agentIds = await writeResources(sql, {
    jobId,
    workspaceId: build.workspace_id,
    transition: build.transition,
    resources: result.resources,
  });
  const revoked = await revokeAgentsExcept(sql, build.workspace_id, agentIds);
  await sql`
    update api.workspace_build set updated_at = now(), daily_cost = ${result.resources.reduce((sum, r) => sum + r.dailyCost, 0)},
      deadline = (select now() + ttl_ms * interval '1 millisecond' from api.workspace
        where id = ${build.workspace_id} and ${build.transition} = 'start' and ttl_ms > 0)
    where id = ${build.id}`;
  if (build.transition === "delete")
    await sql`update api.workspace set deleted_at = now(), updated_at = now() where id = ${build.workspace_id}`;
  for (const agentId of revoked) await edge.hints.notify(sql, channels.agentRevoked, agentId);
  for (const agentId of agentIds) await edge.hints.notify(sql, channels.agentChanged, agentId);
}
