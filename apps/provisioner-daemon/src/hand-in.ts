import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { provisioner } from "@berth/contract";
import { Backoff, codeOf, messageOf, sleep } from "@berth/std";
import { type LogLine, Tail, killGroup, readState, readStreamLine } from "@berth/terraform";
import type { DaemonContext } from "./build/job-context.ts";
import { LOG_ENDS, bytesOf, numberedLine } from "./build/job-log.ts";
import { inFlight, snapshotOf } from "./build/workspace-build.ts";
import type { JobRecord } from "./cache/job-record.ts";
import { readJournal } from "./cache/journal.ts";
import { isGone, isRunning } from "./cache/running-process.ts";
import { isRefusal } from "./line/replicas.ts";

const LOOK_MS = 50;
const REST_BYTES = 4 << 20;

/**
 * Hands in what is recorded of a job that its line did not finish: Terraform is ended first, then its last state, the log that
 * nobody acknowledged and what was in flight go to the control plane, again and again until it has taken them.
 * @throws CodedError when the daemon is refused; what is on disk then stays for a later incarnation.
 */
export async function handIn(context: DaemonContext, signal: AbortSignal): Promise<void> {
  const record = await context.record.read();
  if (record !== undefined) {
    const terraformEnded = await endTerraform(record, context, signal);
    await deliver(context, await describe(record, context, terraformEnded), signal);
    if (signal.aborted) return;
    await context.record.remove();
  }
  await removeLeftovers(join(context.cacheFolder, "work"));
}

/** Ends the recorded Terraform: as its guard does where that lives, by force when it does not end in time. */
async function endTerraform(
  record: JobRecord,
  context: DaemonContext,
  signal: AbortSignal,
): Promise<boolean> {
  const { terraform } = record;
  if (terraform === undefined) return true;
  const { log, periods } = context;
  const hadToBeEnded = await isRunning(terraform.mark);
  if (hadToBeEnded)
    log.warn("ending the Terraform of a former run", { job: record.jobId, pid: terraform.mark.pid });
  // a second interrupt would make Terraform give up its state: the guard has sent the first
  if (hadToBeEnded && !(await isRunning(terraform.guard))) interrupt(terraform.mark.pid);
  const until = performance.now() + periods.predecessorMs;
  while ((await isRunning(terraform.mark)) && performance.now() < until && !signal.aborted)
    await sleep(LOOK_MS, signal);
  if (await isRunning(terraform.mark)) killGroup(terraform.mark.pid, "SIGKILL");
  while ((await isRunning(terraform.mark)) && !signal.aborted) await sleep(LOOK_MS, signal);
  if (await isGone(terraform.mark)) killGroup(terraform.mark.pid, "SIGKILL"); // what it had started
  return !(await isRunning(terraform.mark));
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, "SIGINT");
  } catch {
    // it has ended in between
  }
}

async function describe(
  record: JobRecord,
  { identity }: DaemonContext,
  terraformEnded: boolean,
): Promise<provisioner.HandInRequest> {
  const state = await readState(join(record.folder, "source", "terraform.tfstate"));
  const output = await readRest(record);
  return {
    daemonId: identity.daemonId,
    incarnation: identity.incarnation,
    jobId: record.jobId,
    epoch: BigInt(record.epoch),
    state: record.applyBegun && state !== undefined ? snapshotOf(state, terraformEnded) : undefined,
    terraformEnded,
    applyBegun: record.applyBegun,
    inFlight: inFlight(record.creates, state).filter((address) => output.started.has(address)),
    logs: output.lines,
    traceparent: "",
  };
}

/** The lines nobody acknowledged, and what the apply wrote that the daemon had no time to number, as much as a message holds. */
async function readRest(record: JobRecord) {
  const journal = await readJournal(record.folder);
  const lines = [...journal.unacknowledged];
  const started = new Set<string>();
  const { terraform, stage } = record;
  if (!record.applyBegun || terraform?.command !== "apply") return { lines, started };
  let sequence = journal.lastSequence;
  let left = REST_BYTES - bytesOf(lines);
  const add = (source: provisioner.LogSource, level: LogLine["level"], output: string) => {
    sequence += 1n;
    const line = numberedLine(sequence, source, level, stage, output);
    left -= bytesOf([line]);
    lines.push(line);
  };
  const hear = (text: string, offset: number) => {
    const read = readStreamLine(text, "stdout");
    if (read.started !== undefined) started.add(read.started);
    if (offset <= journal.readTo || read.type === "planned_change" || left <= 0) return;
    for (const { level, output } of read.lines) add(provisioner.LogSource.PROVISIONER, level, output);
    if (left <= 0) add(provisioner.LogSource.PROVISIONER_DAEMON, "warn", LOG_ENDS);
  };
  await mkdir(dirname(terraform.stdoutFile), { recursive: true, mode: 0o700 }); // it may not have begun to write
  {
    await using _whole = await Tail.follow(terraform.stdoutFile, hear);
  }
  return { lines, started };
}

async function deliver(
  { replicas, log }: DaemonContext,
  request: provisioner.HandInRequest,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff();
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      using client = replicas.dial(failures);
      const { closed } = await client.handIn(request, { deadlineMs: 30_000, signal });
      return log.info("handed in a job of before", {
        job: request.jobId,
        closed,
        inFlight: request.inFlight,
      });
    } catch (error) {
      if (isRefusal(error)) throw error;
      if (["not_found", "invalid_argument", "failed_precondition"].includes(codeOf(error)))
        return log.warn("a job of before is not known any more", {
          job: request.jobId,
          reason: messageOf(error),
        });
      log.warn("not handed in, trying again", { job: request.jobId, reason: messageOf(error) });
    }
    await sleep(backoff.nextMs(), signal);
  }
}

/** Folders of jobs that were reported, and died before they were removed. */
async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []); // there was no job yet
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
}
