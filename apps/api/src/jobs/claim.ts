import type { Hints } from "@berth/coordination";
import type { Queryable, TransactionSql } from "@berth/database";
import { channels } from "../channels.ts";
import { announceJob } from "./close.ts";
import { DELIVERY_MS, LEASE_MS } from "./periods.ts";
import { type Tags, mayRun } from "./tags.ts";

/** Daemons that take the same jobs: what a claim is made for. */
export interface Domain {
  readonly organizationId: string;
  readonly provisioners: readonly string[];
  readonly tags: Tags;
  readonly machineId: string;
}

/** A daemon process. */
export interface Holder {
  readonly daemonId: string;
  readonly incarnation: string;
}

/** A job claimed for one delivery. */
export interface Claim {
  readonly jobId: string;
  readonly epoch: number;
  /** What the attempt's number will be once it is accepted. */
  readonly attempt: number;
}

/**
 * Claims the oldest waiting job that the daemon may run, for one delivery under a new epoch. Not accepted in time, the job is
 * claimable again and the attempt is not counted.
 */
export async function claim(
  sql: Queryable,
  domain: Domain,
  holder: Holder,
  deliveryMs = DELIVERY_MS,
): Promise<Claim | undefined> {
  const [row] = await sql<{ id: string; epoch: number; attempt: number }[]>`
    update api.job set epoch = epoch + 1, daemon_id = ${holder.daemonId}, incarnation = ${holder.incarnation},
      delivered_until = now() + ${deliveryMs} * interval '1 millisecond', updated_at = now()
    where id = (
      select job.id from api.job
      where job.accepted_at is null and job.completed_at is null
        and (job.delivered_until is null or job.delivered_until < now())
        and ${mayRun(sql, {
          organizationId: sql`${domain.organizationId}::uuid`,
          provisioners: sql`${[...domain.provisioners]}::text[]`,
          tags: sql`${JSON.stringify(domain.tags)}::text::jsonb`,
          machineId: sql`${domain.machineId}`,
        })}
        and not exists (
          select from api.workspace_build build join api.workspace on workspace.id = build.workspace_id
          where build.job_id = job.id and workspace.held_until > now())
      order by job.created_at, job.id
      for update of job skip locked limit 1)
    returning id, epoch::float8 as epoch, attempt`;
  return row && { jobId: row.id, epoch: row.epoch, attempt: row.attempt + 1 };
}

/** Counts the attempt and begins its lease. Idempotent; false when the delivery was taken back or the job is over. */
export async function accept(
  sql: TransactionSql,
  hints: Hints,
  jobId: string,
  epoch: number,
): Promise<boolean> {
  const [job] = await sql<{ accepted_at: Date | null }[]>`
    select accepted_at from api.job where id = ${jobId} and epoch = ${epoch} and completed_at is null for update`;
  if (job === undefined) return false;
  if (job.accepted_at !== null) return true;
  const [accepted] = await sql<{ daemon_id: string }[]>`
    update api.job set accepted_at = now(), started_at = now(), updated_at = now(), attempt = attempt + 1, sub_epoch = 0,
      delivered_until = null, lease_until = now() + ${LEASE_MS} * interval '1 millisecond', renewals = renewals + 1,
      begun_apply_at = null, committed_sequence = 0, planned = '{}'
    where id = ${jobId} returning daemon_id`;
  await sql`update api.provisioner_daemon set current_job_id = ${jobId} where id = ${accepted?.daemon_id ?? null}`;
  await announceJob(sql, hints, jobId);
  return true;
}

/** Ends a delivery that cannot be accepted any more, so that the next daemon need not wait for its 2 s. */
export async function takeBack(
  sql: Queryable,
  hints: Hints,
  { jobId, epoch }: Pick<Claim, "jobId" | "epoch">,
): Promise<boolean> {
  const taken = await sql`
    update api.job set epoch = epoch + 1, daemon_id = null, incarnation = null, delivered_until = null
    where id = ${jobId} and epoch = ${epoch} and accepted_at is null and completed_at is null returning id`;
  if (taken.length > 0) await hints.notify(sql, channels.jobPosted, jobId);
  return taken.length > 0;
}
