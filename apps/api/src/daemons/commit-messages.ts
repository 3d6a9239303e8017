import { CodedError, messageOf } from "@berth/std";
import type { provisioner } from "@berth/contract";
import type { TransactionSql } from "@berth/database";
import { channels } from "../channels.ts";
import { databaseIsAway } from "../database-away.ts";
import type { EdgeContext } from "../edge-context.ts";
import { lockHeld, type Attachment, type HeldJob } from "../jobs/lease.ts";
import { appendJobLog, controlLine, storable } from "../logs/job-log.ts";
import { takeState } from "../states/take-state.ts";
import { beginApply } from "./begin-apply.ts";
import { completeJob } from "./complete-job.ts";
import { failJob } from "./fail-job.ts";
import { logLines } from "./log-lines.ts";
import { admitAgent } from "./write-agents.ts";

type Request = NonNullable<provisioner.RunJobRequest["message"]>;
type Answer = NonNullable<provisioner.RunJobResponse["message"]>;

/** A message of the attempt that must be committed once. */
export interface NumberedMessage {
  readonly sequence: number;
  readonly message: Request;
}

export type CommitOutcome =
  | { readonly kind: "fenced" }
  | {
      readonly kind: "committed";
      readonly answers: readonly Answer[];
      /** Whether the attempt's last word is among them. */
      readonly jobEnded: boolean;
    };

/** The state that a message carries. */
export function stateIn(message: Request): provisioner.StateSnapshot | undefined {
  switch (message.$case) {
    case "state":
      return message.value;
    case "fail":
      return message.value.state;
    case "complete":
      return message.value.result?.$case === "workspaceBuild" ? message.value.result.value.state : undefined;
    default:
      return undefined;
  }
}

/**
 * Commits messages in one transaction under the job's lock; what was committed before is only answered again. A result that
 * cannot be stored fails the job and says why: sent again it would fail again.
 */
export async function commitMessages(
  edge: EdgeContext,
  attachment: Attachment,
  batch: readonly NumberedMessage[],
): Promise<CommitOutcome> {
  try {
    return await commit(edge, attachment, batch);
  } catch (error) {
    const last = batch.at(-1);
    if (databaseIsAway(error) || isProtocolFault(error) || last?.message.$case !== "complete") throw error;
    edge.log.error("a result could not be stored", { job: attachment.jobId, error });
    const reason = `the result of the build could not be stored: ${messageOf(error)}`;
    return commit(edge, attachment, [...batch.slice(0, -1), asFailure(last, reason)]);
  }
}

function asFailure(last: NumberedMessage, error: string): NumberedMessage {
  const value = { error, errorCode: "", state: stateIn(last.message), canceled: false, inFlight: [] };
  return { sequence: last.sequence, message: { $case: "fail", value } };
}

function isProtocolFault(error: unknown): boolean {
  return error instanceof CodedError && error.code === "out_of_range";
}

async function commit(
  edge: EdgeContext,
  attachment: Attachment,
  batch: readonly NumberedMessage[],
): Promise<CommitOutcome> {
  const outcome = await edge.database.transaction(async (sql): Promise<CommitOutcome> => {
    const job = await lockHeld(sql, attachment);
    if (job === undefined) return { kind: "fenced" };
    let committed = job.committedSequence;
    for (const numbered of batch) {
      if (numbered.sequence <= committed) continue;
      if (job.completed) return { kind: "fenced" };
      if (numbered.sequence > committed + 1)
        throw new CodedError(
          "aborted",
          `message ${committed + 1} is missing: attach again and send from there`,
        );
      await commitOne(edge, sql, attachment, job, numbered.message);
      committed = numbered.sequence;
    }
    await sql`update api.job set committed_sequence = ${committed} where id = ${attachment.jobId}`;
    return { kind: "committed", answers: batch.flatMap(answersTo), jobEnded: batch.some(isLastWord) };
  });
  if (batch.some(({ message }) => message.$case === "logs"))
    edge.hints.notifySoon(channels.jobLogged, attachment.jobId);
  return outcome;
}

function isLastWord({ message }: NumberedMessage): boolean {
  return message.$case === "complete" || message.$case === "fail";
}

async function commitOne(
  edge: EdgeContext,
  sql: TransactionSql,
  { jobId }: Attachment,
  job: HeldJob,
  message: Request,
): Promise<void> {
  switch (message.$case) {
    case "logs":
      return appendJobLog(sql, jobId, job.attempt, logLines(message.value.lines));
    case "progress":
      await sql`update api.job set stage = ${storable(message.value.stage)} where id = ${jobId}`;
      return;
    case "state": {
      const outcome = await takeState(sql, jobId, message.value);
      if (outcome !== "taken" && outcome !== "known")
        edge.log.warn("state refused", { job: jobId, outcome, serial: String(message.value.serial) });
      return;
    }
    case "commitQuota":
      await sql`
        update api.workspace_build set daily_cost = ${message.value.dailyCost} where job_id = ${jobId}`;
      return;
    case "beginApply":
      return beginApply(sql, jobId, message.value.planned);
    case "agentToken":
      return admitOrSay(edge, sql, jobId, job, message.value);
    case "complete":
      return completeJob(edge, sql, jobId, message.value);
    case "fail":
      return failJob(edge, sql, jobId, job, message.value);
    case "attach":
    case "beat":
      throw new CodedError("invalid_argument", `a ${message.$case} is not numbered`);
  }
}

/** An agent that cannot be let in early is said in the log; whether the build fails for it is judged by its result. */
async function admitOrSay(
  edge: EdgeContext,
  sql: TransactionSql,
  jobId: string,
  job: HeldJob,
  reported: provisioner.AgentToken,
): Promise<void> {
  try {
    await admitAgent(sql, jobId, reported);
  } catch (error) {
    if (!(error instanceof CodedError) || databaseIsAway(error)) throw error;
    edge.log.warn("an early agent was refused", { job: jobId, reason: error.message });
    await appendJobLog(sql, jobId, job.attempt, [
      controlLine(`An agent is not let in: ${error.message}.`, "warn"),
    ]);
  }
}

/** What the daemon hears for a message once it is committed, each time it is sent. */
function answersTo({ sequence, message }: NumberedMessage): Answer[] {
  const ack: Answer = { $case: "ack", value: { sequence: BigInt(sequence) } };
  if (message.$case === "beginApply")
    return [{ $case: "applyBegun", value: { sequence: BigInt(sequence) } }, ack];
  if (message.$case !== "commitQuota") return [ack];
  const value = {
    sequence: BigInt(sequence),
    ok: true,
    creditsConsumed: message.value.dailyCost,
    budget: -1,
  };
  return [{ $case: "quota", value }, ack];
}
