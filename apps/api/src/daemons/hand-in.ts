import { CodedError, isUuid } from "@berth/std";
import type { provisioner } from "@berth/contract";
import type { TransactionSql } from "@berth/database";
import type { Call } from "@berth/rpc";
import { channels } from "../channels.ts";
import type { EdgeContext } from "../edge-context.ts";
import { announceJob } from "../jobs/close.ts";
import { abandonAttempt } from "../jobs/expire.ts";
import { appendJobLog } from "../logs/job-log.ts";
import { takeState } from "../states/take-state.ts";
import { authenticateDaemon } from "./authenticate.ts";
import { demandOwnDaemon } from "./daemon-row.ts";
import { logLines } from "./log-lines.ts";

/**
 * Takes what a daemon's new incarnation found of its predecessor: the state however late, the log lines of an attempt that is
 * still open, and the word that its Terraform is dead, which lets go of a held workspace.
 */
export async function handIn(
  edge: EdgeContext,
  request: provisioner.HandInRequest,
  call: Call,
): Promise<provisioner.HandInResponse> {
  const caller = await authenticateDaemon(edge, call);
  await demandOwnDaemon(edge.database.sql, caller, request.daemonId);
  if (!isUuid(request.jobId)) throw new CodedError("invalid_argument", "job_id must be a UUID");
  const closed = await edge.database.transaction((sql) => takeHandIn(edge, sql, request));
  edge.hints.notifySoon(channels.jobLogged, request.jobId);
  edge.log.info("job handed in", { job: request.jobId, daemon: request.daemonId, closed });
  return { closed };
}

interface JobRow {
  epoch: number;
  attempt: number;
  accepted_at: Date | null;
  completed_at: Date | null;
}

async function takeHandIn(
  edge: EdgeContext,
  sql: TransactionSql,
  request: provisioner.HandInRequest,
): Promise<boolean> {
  const [job] = await sql<JobRow[]>`
    select epoch::float8 as epoch, attempt, accepted_at, completed_at from api.job
    where id = ${request.jobId} and daemon_id = ${request.daemonId} for update`;
  if (job === undefined) return false; // queued again meanwhile, or another's: nothing of it can have been applied
  if (request.state !== undefined) {
    const outcome = await takeState(sql, request.jobId, request.state);
    edge.log.info("state handed in", { job: request.jobId, outcome, serial: String(request.state.serial) });
  }
  const open = job.epoch === Number(request.epoch) && job.accepted_at !== null && job.completed_at === null;
  if (open) {
    await appendJobLog(sql, request.jobId, job.attempt, logLines(request.logs));
    await abandonAttempt(sql, edge.hints, request.jobId, {
      reason: "its provisioner daemon was killed",
      terraformEnded: request.terraformEnded,
      inFlight: request.inFlight,
      begunApply: request.applyBegun,
    });
  }
  if (request.terraformEnded) await letGo(edge, sql, request.jobId);
  return open;
}

async function letGo(edge: EdgeContext, sql: TransactionSql, jobId: string): Promise<void> {
  const freed = await sql`
    update api.workspace set held_until = null, held_job_id = null, held_reason = ''
    where held_job_id = ${jobId} returning id`;
  if (freed.length === 0) return;
  await announceJob(sql, edge.hints, jobId);
  await edge.hints.notify(sql, channels.jobPosted, jobId); // the build that waited for it
}
