import type { provisioner } from "@berth/contract";
import type { TransactionSql } from "@berth/database";
import type { EdgeContext } from "../edge-context.ts";
import { closeJob } from "../jobs/close.ts";
import type { HeldJob } from "../jobs/lease.ts";
import { appendJobLog, controlLine, storable } from "../logs/job-log.ts";
import { takeState } from "../states/take-state.ts";

/**
 * Ends a job that its daemon could not finish. A cancellation that somebody asked for leaves no error: the job is then *canceled*;
 * one that the daemon's operator forced is a failure.
 */
export async function failJob(
  edge: EdgeContext,
  sql: TransactionSql,
  jobId: string,
  job: HeldJob,
  failure: provisioner.FailJob,
): Promise<void> {
  if (failure.state !== undefined) await takeState(sql, jobId, failure.state);
  if (failure.inFlight.length > 0)
    await appendJobLog(sql, jobId, job.attempt, [
      controlLine(`In flight when Terraform ended: ${failure.inFlight.join(", ")}.`, "warn"),
    ]);
  if (failure.canceled && job.canceled) return closeJob(sql, edge.hints, jobId);
  await closeJob(sql, edge.hints, jobId, {
    error: storable(failure.error) || "the provisioner daemon gave no reason",
    ...(failure.errorCode !== "" && { errorCode: failure.errorCode }),
  });
}
