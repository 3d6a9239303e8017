import type { Hints } from "@berth/coordination";
import type { TransactionSql } from "@berth/database";
import { announceJob, closeJob } from "./close.ts";

export type CancelOutcome = "canceled" | "canceling" | "already_canceling" | "already_done" | "unknown";

interface CancelRow {
  completed_at: Date | null;
  canceled_at: Date | null;
  accepted_at: Date | null;
}

/**
 * Cancels a job in the caller's transaction: a waiting one is done at once, a running one is asked through the replica that
 * holds its stream.
 */
export async function cancel(sql: TransactionSql, hints: Hints, jobId: string): Promise<CancelOutcome> {
  const [job] = await sql<CancelRow[]>`
    select completed_at, canceled_at, accepted_at from api.job where id = ${jobId} for update`;
  if (job === undefined) return "unknown";
  if (job.completed_at !== null) return "already_done";
  if (job.canceled_at !== null) return "already_canceling";
  // The new epoch fences a delivery that is under way and not yet accepted.
  await sql`
    update api.job set canceled_at = now(), updated_at = now(),
      epoch = epoch + case when accepted_at is null then 1 else 0 end
    where id = ${jobId}`;
  if (job.accepted_at === null) {
    await closeJob(sql, hints, jobId);
    return "canceled";
  }
  await announceJob(sql, hints, jobId);
  return "canceling";
}
