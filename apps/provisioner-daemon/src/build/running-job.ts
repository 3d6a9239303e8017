import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { provisioner } from "@berth/contract";
import { CodedError, formatDuration, messageOf } from "@berth/std";
import type { NewAgent, RunningTerraform } from "@berth/terraform";
import type { JobRecord } from "../cache/job-record.ts";
import { Journal } from "../cache/journal.ts";
import { markProcess } from "../cache/running-process.ts";
import { type Guard, guardTerraform } from "../guard.ts";
import { JobLine, LineOverError } from "../line/job-line.ts";
import { AgentNames } from "./agent-names.ts";
import { importTemplate } from "./import.ts";
import { type DaemonContext, type JobResult, failed } from "./job-context.ts";
import { JobLog } from "./job-log.ts";
import { Stop, type StopReason, describeStop } from "./stop.ts";
import { type AppliedPlan, buildWorkspace } from "./workspace-build.ts";
import { Workshop } from "./workshop.ts";

/** How a job left the daemon. */
export type JobEnd =
  | { readonly kind: "reported"; readonly succeeded: boolean }
  /** Nothing more of it will be committed on its line: what is on disk must be handed in. */
  | { readonly kind: "over"; readonly why: "fenced" | "refused"; readonly error: unknown };

/** One job, from its acceptance to its last acknowledged word. */
export class RunningJob {
  readonly #context: DaemonContext;
  readonly #job: provisioner.Job;
  readonly #folder: string;
  readonly #stop = new Stop();
  readonly #started = new Set<string>();
  #record: JobRecord;
  #over: Extract<JobEnd, { kind: "over" }> | undefined;
  #guard: Guard | undefined;
  #names = new AgentNames([]);

  constructor(context: DaemonContext, job: provisioner.Job) {
    this.#context = context;
    this.#job = job;
    this.#folder = join(context.cacheFolder, "work", `${job.jobId}-${job.epoch}`);
    this.#record = {
      jobId: job.jobId,
      epoch: String(job.epoch),
      folder: this.#folder,
      applyBegun: false,
      creates: [],
      stage: "",
    };
  }

  /** Ends it early: Terraform is interrupted, and killed after the force-cancel interval, or at once. */
  cancel(force: boolean): void {
    this.#stop.now({ kind: "operator" }, force ? 0 : this.#context.forceCancelMs);
  }

  /** Runs it. What it leaves on disk is removed once it was reported. */
  async run(): Promise<JobEnd> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#context.record.write(this.#record);
    await using journal = await Journal.open(this.#folder, (error) =>
      this.#context.log.warn("log lines are not on disk", { job: this.#job.jobId, reason: messageOf(error) }),
    );
    const line = this.#openLine();
    using log = new JobLog(journal, this.#context.periods.logFlushMs, (lines) =>
      line.commit({ $case: "logs", value: { lines } }),
    );
    using _stop = this.#stop;
    const startedAt = performance.now();
    try {
      const result = this.#explain(await this.#work(line, log));
      await this.#report(result, line, log, performance.now() - startedAt);
      await this.#cleanUp();
      return { kind: "reported", succeeded: result.kind === "complete" };
    } catch (error) {
      if (error instanceof LineOverError && this.#over !== undefined) return this.#over;
      throw error;
    } finally {
      await line.close();
    }
  }

  #openLine(): JobLine {
    const { identity, replicas, periods, roundTrip, log, forceCancelMs } = this.#context;
    const { jobId, epoch } = this.#job;
    const end = (reason: StopReason, killAfterMs: number) => {
      log.warn("build is ended early", { job: jobId, reason: describeStop(reason) });
      this.#stop.now(reason, Math.min(killAfterMs, forceCancelMs));
    };
    return new JobLine({
      ...{ jobId, epoch, identity, replicas, periods, roundTrip, log },
      ears: {
        onCancel: () => end({ kind: "canceled" }, forceCancelMs),
        onLost: (lost) => end({ kind: lost }, periods.unheardKillMs),
        onOver: (why, error) => {
          this.#over = { kind: "over", why, error };
          end({ kind: "over", why }, periods.unheardKillMs);
        },
      },
    });
  }

  async #work(line: JobLine, log: JobLog): Promise<JobResult> {
    const workshop = new Workshop(this.#context, this.#job, this.#folder, this.#stop, {
      onLog: (said, readTo) => log.relay(said, this.#record.applyBegun ? readTo : undefined),
      onStarted: (address) => this.#started.add(address),
      onProcess: (running) => this.#recordProcess(running),
      onAgent: (agent) => this.#reportAgent(line, agent),
    });
    const enter = (stage: string) => {
      log.stage(stage);
      void line.send({ $case: "progress", value: { stage } });
      this.#record = { ...this.#record, stage }; // written with the next process
    };
    try {
      const { kind } = this.#job;
      if (kind?.$case === "templateImport") {
        const { accessUrl } = this.#context;
        return await importTemplate({
          jobId: this.#job.jobId,
          request: kind.value,
          workshop,
          accessUrl,
          enter,
        });
      }
      if (kind?.$case !== "workspaceBuild") return failed("this daemon does not know such a job: update it");
      return await buildWorkspace({
        ...{ build: kind.value, workshop, log, enter },
        send: (message) => line.send(message),
        commit: (message) => this.#unlessStopped(line.commit(message)),
        noteApply: (plan) => this.#noteApply(plan),
        hasStarted: (address) => this.#started.has(address),
      });
    } catch (error) {
      if (error instanceof LineOverError) throw error;
      if (!(error instanceof CodedError) && this.#stop.reason === undefined)
        this.#context.log.error("build failed by a fault of the daemon", { job: this.#job.jobId, error });
      return failed(messageOf(error));
    }
  }

  /** An answer that does not come holds up nobody who wants the build to end. */
  async #unlessStopped<T>(answer: Promise<T>): Promise<T> {
    const stopped = Promise.withResolvers<never>();
    const end = () => stopped.reject(new CodedError("cancelled", "the build was ended"));
    if (this.#stop.signal.aborted) end();
    else this.#stop.signal.addEventListener("abort", end, { once: true });
    try {
      return await Promise.race([answer, stopped.promise]);
    } finally {
      this.#stop.signal.removeEventListener("abort", end);
    }
  }

  /** A build that was stopped failed for that reason, whatever its Terraform said. */
  #explain(result: JobResult): JobResult {
    const { reason } = this.#stop;
    if (result.kind === "complete" || reason === undefined) return result;
    const canceled = reason.kind === "canceled" || reason.kind === "operator";
    return { kind: "fail", value: { ...result.value, error: describeStop(reason), canceled } };
  }

  async #report(result: JobResult, line: JobLine, log: JobLog, ms: number): Promise<void> {
    if (result.kind === "fail") log.say("error", result.value.error);
    log.stage("Cleaning Up");
    await log.flush();
    this.#context.log.info("job ended", {
      job: this.#job.jobId,
      outcome: result.kind === "complete" ? "succeeded" : "failed",
      took: formatDuration(ms),
      ...(result.kind === "fail" && { reason: result.value.error }),
    });
    await line.commit(
      result.kind === "complete"
        ? { $case: "complete", value: result.value }
        : { $case: "fail", value: result.value },
    );
  }

  /** Written with the process that applies it. */
  #noteApply({ creates, agents }: AppliedPlan): void {
    this.#names = new AgentNames(agents);
    this.#record = { ...this.#record, creates };
  }

  async #recordProcess(running: RunningTerraform | undefined): Promise<void> {
    this.#guard?.release();
    this.#guard = undefined;
    const { terraform: _former, ...record } = this.#record;
    this.#record = record;
    if (running === undefined) return;
    const { pid } = running.process;
    this.#guard = await guardTerraform(pid, this.#context.forceCancelMs);
    const terraform = {
      mark: await markProcess(pid),
      guard: this.#guard.mark,
      command: running.command,
      stdoutFile: running.stdoutFile,
    };
    this.#record = { ...record, terraform, applyBegun: record.applyBegun || running.command === "apply" };
    await this.#context.record.write(this.#record);
  }

  #reportAgent(line: JobLine, agent: NewAgent): void {
    const { id: agentId, token, operatingSystem, architecture } = agent;
    const name = this.#names.take(agent);
    void line.send({ $case: "agentToken", value: { agentId, token, name, operatingSystem, architecture } });
  }

  async #cleanUp(): Promise<void> {
    await this.#context.record.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
