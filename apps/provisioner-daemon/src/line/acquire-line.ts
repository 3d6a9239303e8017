import type { provisioner } from "@berth/contract";
import type { ClientStream } from "@berth/rpc";
import { Backoff, type RoundTrip, codeOf, messageOf, sleep } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import type { Periods } from "../periods.ts";
import { Beats } from "./beats.ts";
import { type Replicas, isRefusal } from "./replicas.ts";

type AcquireStream = ClientStream<provisioner.AcquireJobRequest, provisioner.AcquireJobResponse>;

/** What a daemon's line for jobs needs. */
export interface AcquireLineOptions {
  readonly hello: provisioner.DaemonHello;
  readonly replicas: Replicas;
  readonly periods: Periods;
  readonly roundTrip: RoundTrip;
  readonly log: Logger;
  /** A job that was accepted: the daemon is not free until `becomeFree`. */
  onJob(job: provisioner.Job): void;
}

/**
 * Asks for jobs, one at a time, until closed. The line stays open while a job runs, so that the control plane sees the daemon;
 * it is dialed again for ever, unless the daemon is refused.
 */
export class AcquireLine {
  readonly #options: AcquireLineOptions;
  readonly #closing = new AbortController();
  /** Rejects when the daemon is refused for good, resolves when the line was closed. */
  readonly ended: Promise<void>;
  #isFree = true;
  #sequence = 1n;
  #stream: AcquireStream | undefined;

  constructor(options: AcquireLineOptions) {
    this.#options = options;
    this.ended = this.#work();
  }

  /** The job has ended: the next one may come. */
  becomeFree(): void {
    this.#isFree = true;
    this.#sequence += 1n;
    this.#sayReady();
  }

  /** Takes no more jobs: one that comes in this moment is not accepted, and goes back uncounted. */
  close(): void {
    this.#closing.abort();
  }

  async #work(): Promise<void> {
    const { log } = this.#options;
    const backoff = new Backoff();
    for (let failures = 0; !this.#isClosed(); failures += 1) {
      const startedAt = performance.now();
      try {
        const wasWelcome = await this.#serveOnce(failures);
        if (wasWelcome) failures = -1;
        if (performance.now() - startedAt > this.#options.periods.redialMs) backoff.connected();
      } catch (error) {
        if (this.#isClosed()) return;
        if (isFinal(error)) throw error;
        log.warn("control plane not reached, dialing again", {
          reason: messageOf(error),
          code: codeOf(error),
        });
      }
      await sleep(backoff.nextMs(), this.#closing.signal);
    }
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Serves one stream; answers whether the daemon was welcome there. */
  async #serveOnce(failures: number): Promise<boolean> {
    const { replicas, hello, periods, roundTrip, log } = this.#options;
    using client = replicas.dial(failures);
    const stream = client.acquireJob({ signal: this.#closing.signal });
    say(stream, { $case: "hello", value: hello });
    using beats = new Beats({
      periods,
      roundTrip,
      send: (sequence) => say(stream, { $case: "beat", value: { sequence } }),
      giveUp: () => stream.cancel(),
    });
    let wasWelcome = false;
    try {
      for await (const { message } of stream) {
        if (message?.$case === "move") break;
        if (message?.$case === "beat") beats.answered(message.value.sequence);
        if (message?.$case === "job") this.#take(message.value, stream);
        if (message?.$case !== "welcome") continue;
        wasWelcome = true;
        beats.begin();
        log.info("waiting for jobs", { replica: message.value.replicaId });
        this.#stream = stream;
        this.#sayReady();
      }
    } catch (error) {
      if (!wasWelcome || isFinal(error)) throw error;
      log.info("line for jobs ended, dialing again", { reason: messageOf(error) });
    } finally {
      this.#stream = undefined;
      stream.cancel();
    }
    return wasWelcome;
  }

  #sayReady(): void {
    if (!this.#isFree || this.#stream === undefined) return;
    say(this.#stream, { $case: "ready", value: { sequence: this.#sequence } });
  }

  #take(job: provisioner.Job, stream: AcquireStream): void {
    if (!this.#isFree || this.#isClosed()) return;
    this.#isFree = false;
    say(stream, { $case: "accepted", value: { jobId: job.jobId, epoch: job.epoch } });
    this.#options.onJob(job);
  }
}

/** What the control plane will say again: it refuses this daemon, or what the daemon says of itself. */
function isFinal(error: unknown): boolean {
  return isRefusal(error) || ["invalid_argument", "failed_precondition"].includes(codeOf(error));
}

function say(stream: AcquireStream, message: NonNullable<provisioner.AcquireJobRequest["message"]>): void {
  stream.send({ traceparent: "", message });
}
