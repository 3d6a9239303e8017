import type { provisioner } from "@berth/contract";
import { version } from "@berth/std";
import { withSpan } from "@berth/telemetry";
import type { DaemonContext } from "./build/job-context.ts";
import { RunningJob } from "./build/running-job.ts";
import { handIn } from "./hand-in.ts";
import { AcquireLine } from "./line/acquire-line.ts";

/** What a daemon says of itself. */
export interface DaemonDescription {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** The version of the provisioner protocol, as public clients show it. */
export const API_VERSION = "1.10";

/** A daemon that takes jobs, one at a time. */
export class Daemon {
  readonly #context: DaemonContext;
  readonly #ending = new AbortController();
  readonly #refused = Promise.withResolvers<never>();
  readonly #description: DaemonDescription;
  #line: AcquireLine | undefined;
  #current: { readonly job: RunningJob; readonly done: Promise<void> } | undefined;

  constructor(context: DaemonContext, description: DaemonDescription) {
    this.#context = context;
    this.#description = description;
    this.#refused.promise.catch(() => undefined); // raced in run()
  }

  /**
   * Hands in what a former incarnation left, then takes jobs until it is told to end and the last one has.
   * @throws CodedError when the control plane refuses this daemon; what it has on disk stays.
   */
  async run(): Promise<void> {
    await handIn(this.#context, this.#ending.signal);
    if (this.#ending.signal.aborted) return;
    const { replicas, periods, roundTrip, log, identity } = this.#context;
    this.#line = new AcquireLine({
      hello: this.#hello(),
      ...{ replicas, periods, roundTrip, log },
      onJob: (job) => this.#take(job),
    });
    log.info("daemon started", { daemon: identity.daemonId, incarnation: identity.incarnation });
    try {
      await Promise.race([this.#line.ended, this.#refused.promise]);
    } finally {
      this.#line.close();
      await this.#current?.done;
    }
  }

  /** Takes no more jobs; a build that runs is finished, however long it takes. */
  drain(): void {
    this.#ending.abort();
    this.#line?.close();
  }

  /** Takes no more jobs; a build that runs is canceled, with its state kept. */
  cancel(): void {
    this.#current?.job.cancel(false);
    this.drain();
  }

  /** Kills the Terraform that runs. */
  force(): void {
    this.#current?.job.cancel(true);
    this.drain();
  }

  #hello(): provisioner.DaemonHello {
    const { identity } = this.#context;
    return {
      daemonId: identity.daemonId,
      incarnation: identity.incarnation,
      machineId: identity.machineId,
      name: this.#description.name,
      version,
      apiVersion: API_VERSION,
      tags: { ...this.#description.tags },
      provisioners: ["terraform"],
    };
  }

  #take(job: provisioner.Job): void {
    const running = new RunningJob(this.#context, job);
    const done = this.#run(job, running);
    this.#current = { job: running, done };
  }

  async #run(job: provisioner.Job, running: RunningJob): Promise<void> {
    const { log, metrics } = this.#context;
    const startedAt = performance.now();
    let succeeded = false;
    metrics.jobStarted();
    log.info("job accepted", { job: job.jobId, epoch: job.epoch, kind: job.kind?.$case });
    try {
      const end = await withSpan("provisioner.run_job", () => running.run(), {
        traceparent: job.traceparent,
      });
      succeeded = end.kind === "reported" && end.succeeded;
      if (end.kind === "over") {
        if (end.why === "refused") throw end.error;
        await handIn(this.#context, new AbortController().signal);
      }
      this.#current = undefined;
      this.#line?.becomeFree();
    } catch (error) {
      log.error("job was left", { job: job.jobId, error });
      this.#refused.reject(error);
    } finally {
      metrics.jobEnded(succeeded, (performance.now() - startedAt) / 1000);
    }
  }
}
