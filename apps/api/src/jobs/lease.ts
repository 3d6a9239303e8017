import type { Hints } from "@berth/coordination";
import type { Queryable, TransactionSql } from "@berth/database";
import { channels } from "../channels.ts";
import { accept, type Holder } from "./claim.ts";
import { LEASE_MS } from "./periods.ts";

/** Who may write for a job: the attempt's epoch, and the attachment within it. */
export interface Attachment {
  readonly jobId: string;
  readonly epoch: number;
  readonly subEpoch: number;
}

/** What an attachment begins with. */
export interface Attached extends Attachment {
  readonly attempt: number;
  readonly committedSequence: number;
  readonly cancelRequested: boolean;
  readonly type: string;
}

/** The job as its holder may write it; the row is locked for the transaction. */
export interface HeldJob {
  readonly attempt: number;
  readonly committedSequence: number;
  readonly begunApply: boolean;
  readonly canceled: boolean;
  readonly completed: boolean;
  readonly type: string;
}

/**
 * Attaches a daemon's stream to its job under a new sub-epoch, which fences every older attachment. It accepts the job when
 * the acknowledgement itself was lost. A job that this very attempt has ended can be attached to as well: the daemon then
 * learns that its last message was committed. Undefined when the epoch is no longer the job's, or it is another's.
 */
export async function attach(
  sql: TransactionSql,
  hints: Hints,
  jobId: string,
  epoch: number,
  holder: Holder,
): Promise<Attached | undefined> {
  await accept(sql, hints, jobId, epoch);
  const [row] = await sql<
    { sub_epoch: number; attempt: number; committed: number; canceled_at: Date | null; type: string }[]
  >`
    update api.job set sub_epoch = sub_epoch + 1, renewals = renewals + 1, updated_at = now(),
      lease_until = now() + ${LEASE_MS} * interval '1 millisecond'
    where id = ${jobId} and epoch = ${epoch} and daemon_id = ${holder.daemonId} and incarnation = ${holder.incarnation}
      and accepted_at is not null
    returning sub_epoch::float8 as sub_epoch, attempt, committed_sequence::float8 as committed, canceled_at, type`;
  await hints.notify(sql, channels.jobChanged, jobId); // an older attachment learns that it is fenced
  return (
    row && {
      jobId,
      epoch,
      subEpoch: row.sub_epoch,
      attempt: row.attempt,
      committedSequence: row.committed,
      cancelRequested: row.canceled_at !== null,
      type: row.type,
    }
  );
}

/** Renews the lease. False when the attachment was fenced or the job is over. */
export async function renew(
  sql: Queryable,
  { jobId, epoch, subEpoch }: Attachment,
  leaseMs = LEASE_MS,
): Promise<boolean> {
  const renewed = await sql`
    update api.job set renewals = renewals + 1, lease_until = now() + ${leaseMs} * interval '1 millisecond'
    where id = ${jobId} and epoch = ${epoch} and sub_epoch = ${subEpoch} and completed_at is null returning id`;
  return renewed.length > 0;
}

/** Locks the job for its holder, also when it has ended it. Undefined when the attachment was fenced. */
export async function lockHeld(
  sql: TransactionSql,
  { jobId, epoch, subEpoch }: Attachment,
): Promise<HeldJob | undefined> {
  const [row] = await sql<
    {
      attempt: number;
      committed: number;
      begun_apply_at: Date | null;
      canceled_at: Date | null;
      completed_at: Date | null;
      type: string;
    }[]
  >`
    select attempt, committed_sequence::float8 as committed, begun_apply_at, canceled_at, completed_at, type from api.job
    where id = ${jobId} and epoch = ${epoch} and sub_epoch = ${subEpoch} for update`;
  return (
    row && {
      attempt: row.attempt,
      committedSequence: row.committed,
      begunApply: row.begun_apply_at !== null,
      canceled: row.canceled_at !== null,
      completed: row.completed_at !== null,
      type: row.type,
    }
  );
}
