import type { Hints } from "@berth/coordination";
import type { TransactionSql } from "@berth/database";
import { channels } from "../channels.ts";

/** How a job ended. Neither error nor cancellation is success. */
export interface JobEnd {
  readonly error?: string;
  readonly errorCode?: string;
}

/**
 * Ends an open job whose row the caller has locked: no attempt can write any more, the workspace may be built again, and
 * whoever watches is told at commit.
 */
export async function closeJob(
  sql: TransactionSql,
  hints: Hints,
  jobId: string,
  end: JobEnd = {},
): Promise<void> {
  await sql`
    update api.job set completed_at = now(), updated_at = now(), error = ${end.error ?? null},
      error_code = ${end.errorCode ?? null}, delivered_until = null, lease_until = null
    where id = ${jobId} and completed_at is null`;
  await sql`
    update api.provisioner_daemon set current_job_id = null, previous_job_id = ${jobId} where current_job_id = ${jobId}`;
  const builds = await sql<{ workspace_id: string }[]>`
    update api.workspace_build set unfinished = false, updated_at = now() where job_id = ${jobId} returning workspace_id`;
  await hints.notify(sql, channels.jobChanged, jobId);
  await hints.notify(sql, channels.jobLogged, jobId); // followers of the log learn that it is over
  for (const build of builds) await hints.notify(sql, channels.workspaceChanged, build.workspace_id);
}

/** Tells the watchers of a job, and of its workspace, that it changed. */
export async function announceJob(sql: TransactionSql, hints: Hints, jobId: string): Promise<void> {
  await hints.notify(sql, channels.jobChanged, jobId);
  const builds = await sql<{ workspace_id: string }[]>`
    select workspace_id from api.workspace_build where job_id = ${jobId}`;
  for (const build of builds) await hints.notify(sql, channels.workspaceChanged, build.workspace_id);
}
