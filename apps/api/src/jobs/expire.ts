import type { Hints } from "@berth/coordination";
import type { TransactionSql } from "@berth/database";
import { channels } from "../channels.ts";
import { appendJobLog, controlLine } from "../logs/job-log.ts";
import { addressesInState } from "../states/addresses.ts";
import { announceJob, closeJob } from "./close.ts";
import { HOLD_MS } from "./periods.ts";

/** An attempt is queued again once; a job that lost two daemons is more likely the cause than the victim. */
const MAX_ATTEMPTS = 2;

/** A running job as its lease was last seen. */
export interface SeenLease {
  readonly jobId: string;
  readonly epoch: number;
  readonly renewals: number;
}

/** What became of an attempt whose daemon is gone. */
export type AbandonOutcome = "queued_again" | "failed" | "untouched";

/** Ends the attempt of a lease that stood still, unless it moved after all. */
export async function expireLease(
  sql: TransactionSql,
  hints: Hints,
  seen: SeenLease,
): Promise<AbandonOutcome> {
  const [job] = await sql<{ id: string }[]>`
    select id from api.job where id = ${seen.jobId} and epoch = ${seen.epoch} and renewals = ${seen.renewals}
      and accepted_at is not null and completed_at is null and lease_until < now() for update`;
  if (job === undefined) return "untouched";
  return abandonAttempt(sql, hints, seen.jobId, {
    reason: "its provisioner daemon was not heard of for the whole of its lease",
    terraformEnded: false,
  });
}

/** What is known of an attempt that nobody will finish. */
export interface Abandonment {
  readonly reason: string;
  /** Whether its Terraform is known to be dead: the workspace need not be held. */
  readonly terraformEnded: boolean;
  /** Planned and not in the state, as the daemon found it; without its word, computed from the last state. */
  readonly inFlight?: readonly string[];
  /** The daemon's word that the apply had begun, whatever was committed. */
  readonly begunApply?: boolean;
}

interface AbandonedRow {
  attempt: number;
  begun_apply_at: Date | null;
  canceled_at: Date | null;
  planned: string[];
}

/** Queues an open job again, or fails it when its apply had begun or it was tried before. The caller has locked its row. */
export async function abandonAttempt(
  sql: TransactionSql,
  hints: Hints,
  jobId: string,
  how: Abandonment,
): Promise<AbandonOutcome> {
  const [job] = await sql<AbandonedRow[]>`
    select attempt, begun_apply_at, canceled_at, planned from api.job where id = ${jobId}`;
  if (job === undefined) return "untouched";
  const begun = job.begun_apply_at !== null || how.begunApply === true;
  if (!begun && job.canceled_at !== null) {
    await closeJob(sql, hints, jobId);
    return "failed";
  }
  if (!begun && job.attempt < MAX_ATTEMPTS) {
    await queueAgain(sql, hints, jobId, job.attempt, how.reason);
    return "queued_again";
  }
  await failAttempt(sql, hints, jobId, job, how, begun);
  return "failed";
}

async function queueAgain(
  sql: TransactionSql,
  hints: Hints,
  jobId: string,
  attempt: number,
  reason: string,
): Promise<void> {
  await appendJobLog(sql, jobId, attempt, [
    controlLine(
      `Attempt ${attempt} was given up: ${reason}. Nothing was applied; the job is queued again.`,
      "warn",
    ),
  ]);
  await sql`update api.provisioner_daemon set current_job_id = null where current_job_id = ${jobId}`;
  await sql`
    update api.job set epoch = epoch + 1, sub_epoch = 0, daemon_id = null, incarnation = null, accepted_at = null,
      started_at = null, lease_until = null, delivered_until = null, committed_sequence = 0, stage = '', updated_at = now()
    where id = ${jobId}`;
  await announceJob(sql, hints, jobId);
  await hints.notify(sql, channels.jobPosted, jobId);
}

async function failAttempt(
  sql: TransactionSql,
  hints: Hints,
  jobId: string,
  job: AbandonedRow,
  how: Abandonment,
  begun: boolean,
): Promise<void> {
  const lines = [controlLine(`Attempt ${job.attempt} was given up: ${how.reason}.`, "error")];
  const inFlight = how.inFlight ?? (await plannedNotInState(sql, jobId, job.planned));
  if (begun && inFlight.length > 0)
    lines.push(controlLine(`In flight when contact was lost: ${inFlight.join(", ")}.`, "error"));
  if (begun && !how.terraformEnded) lines.push(await holdWorkspace(sql, jobId, how.reason));
  await appendJobLog(sql, jobId, job.attempt, lines);
  // The new epoch fences whatever the lost daemon still sends.
  await sql`update api.job set epoch = epoch + 1 where id = ${jobId}`;
  await closeJob(sql, hints, jobId, { error: how.reason });
}

async function plannedNotInState(
  sql: TransactionSql,
  jobId: string,
  planned: readonly string[],
): Promise<readonly string[]> {
  const [row] = await sql<{ state: Buffer }[]>`
    select state from api.workspace_state
    where workspace_build_id = (select id from api.workspace_build where job_id = ${jobId})`;
  const present = addressesInState(row?.state);
  return planned.filter((address) => !present.has(address));
}

/** Nothing is built in the workspace until that Terraform is known or bound to be dead. */
async function holdWorkspace(sql: TransactionSql, jobId: string, reason: string) {
  await sql`
    update api.workspace set held_until = now() + ${HOLD_MS} * interval '1 millisecond', held_job_id = ${jobId},
      held_reason = ${`a build lost its provisioner daemon while it was applying (${reason})`}
    where id = (select workspace_id from api.workspace_build where job_id = ${jobId})`;
  return controlLine(
    `The workspace takes no further build for ${HOLD_MS / 60_000} minutes, or until the daemon reports that Terraform has ended.`,
    "warn",
  );
}
