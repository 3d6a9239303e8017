import { CodedError, RoundTrip, deferred, messageOf, withDeadline } from "@berth/std";
import type { provisioner } from "@berth/contract";
import type { Call, Stream } from "@berth/rpc";
import { channels } from "../channels.ts";
import { untilCommitted } from "../database-away.ts";
import type { EdgeContext } from "../edge-context.ts";
import { attach, renew, type Attached } from "../jobs/lease.ts";
import { LEASE_MS } from "../jobs/periods.ts";
import { takeState } from "../states/take-state.ts";
import { authenticateDaemon } from "./authenticate.ts";
import { commitMessages, stateIn, type NumberedMessage } from "./commit-messages.ts";
import { demandOwnDaemon, touchDaemon } from "./daemon-row.ts";

// One attachment of a daemon to its job.
//   R1  What is acknowledged is committed, and in the order of its numbers.
//   R2  A newer attachment fences this one (sub-epoch), a newer attempt fences both (epoch): the stream ends with ABORTED.
//   R3  While the database is away messages wait, beats are answered `committed: false`, and nothing ends.
//   R4  A state that arrives on a fenced stream is taken all the same.
//   R5  A daemon keeps what it sends ahead of the acknowledgements small. One that does not is sent away: a stream that was not
//       read any more would have its beats unread.

type JobStream = Stream<provisioner.RunJobRequest, provisioner.RunJobResponse>;

const BEAT_DEADLINE_MS = 2_000;
const TOUCH_MS = 10_000;
const MAX_BATCH = 64;
const MAX_WAITING_BYTES = 64 << 20;

/** Serves one attachment until its job has ended, it is fenced, or the daemon goes elsewhere. */
export async function runJob(edge: EdgeContext, stream: JobStream, call: Call): Promise<void> {
  const caller = await authenticateDaemon(edge, call);
  let attachment: JobAttachment | undefined;
  const over = new AbortController();
  const signal = AbortSignal.any([call.signal, over.signal]);
  const working = deferred();
  const reading = (async () => {
    for await (const request of stream) {
      if (request.message?.$case === "attach") {
        if (attachment !== undefined) throw new CodedError("invalid_argument", "a stream attaches once");
        await demandOwnDaemon(edge.database.sql, caller, request.message.value.daemonId);
        attachment = await openAttachment(edge, stream, request.message.value, signal);
        attachment.work(call.draining).then(working.resolve, working.reject);
      } else {
        if (attachment === undefined)
          throw new CodedError("invalid_argument", "the first message must be attach");
        attachment.hear(request);
      }
    }
    attachment?.noMore();
    if (attachment === undefined) working.resolve();
  })();
  try {
    reading.catch(working.reject);
    await working.promise;
  } finally {
    over.abort();
  }
}

async function openAttachment(
  edge: EdgeContext,
  stream: JobStream,
  asked: provisioner.Attach,
  signal: AbortSignal,
): Promise<JobAttachment> {
  const attached = await edge.database.transaction((sql) =>
    attach(sql, edge.hints, asked.jobId, Number(asked.epoch), asked),
  );
  if (attached === undefined) throw fenced(asked.jobId, asked.epoch);
  edge.log.info("daemon attached to its job", {
    job: attached.jobId,
    epoch: attached.epoch,
    subEpoch: attached.subEpoch,
    daemon: asked.daemonId,
  });
  return new JobAttachment(edge, stream, attached, asked.daemonId, signal);
}

function fenced(jobId: string, epoch: bigint | number): CodedError {
  return new CodedError("aborted", `job ${jobId} is not this attachment's any more (epoch ${epoch})`);
}

/** Roughly what a message takes while it waits. */
function sizeOf(message: NumberedMessage["message"]): number {
  const output = message.$case === "logs" ? message.value.lines : [];
  const state = stateIn(message)?.state.length ?? 0;
  return output.reduce((sum, line) => sum + line.output.length + 64, state + 256);
}

class JobAttachment {
  readonly #edge: EdgeContext;
  readonly #stream: JobStream;
  readonly #attached: Attached;
  readonly #daemonId: string;
  readonly #signal: AbortSignal;
  readonly #fence = Promise.withResolvers<never>();
  #waiting: NumberedMessage[] = [];
  #waitingBytes = 0;
  readonly #roundTrip = new RoundTrip(0);
  #attachedAt: number | undefined = performance.now();
  #wake: (() => void) | undefined;
  #ended = false;
  #touchedAt = 0;

  constructor(
    edge: EdgeContext,
    stream: JobStream,
    attached: Attached,
    daemonId: string,
    signal: AbortSignal,
  ) {
    this.#edge = edge;
    this.#stream = stream;
    this.#attached = attached;
    this.#daemonId = daemonId;
    this.#signal = signal;
    this.#fence.promise.catch(() => undefined); // raced in work(); a fence after the end concerns nobody
    this.#send({
      $case: "attached",
      value: {
        committedSequence: BigInt(attached.committedSequence),
        subEpoch: BigInt(attached.subEpoch),
        cancelRequested: attached.cancelRequested,
      },
    });
  }

  hear(request: provisioner.RunJobRequest): void {
    const { message } = request;
    if (message === undefined) return; // a newer daemon's message that this release does not know
    if (message.$case === "beat") return void this.#beat(message.value.sequence);
    this.#waiting.push({ sequence: Number(request.sequence), message });
    this.#waitingBytes += sizeOf(message);
    if (this.#waitingBytes > MAX_WAITING_BYTES)
      this.#fence.reject(new CodedError("resource_exhausted", "too much was sent ahead of its commit")); // R5
    this.#wake?.();
  }

  /** The daemon has closed its side: what waits is still committed. */
  noMore(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async work(draining: AbortSignal): Promise<void> {
    const move = () => this.#send({ $case: "move", value: {} });
    if (draining.aborted) move();
    else draining.addEventListener("abort", move, { once: true });
    this.#signal.addEventListener("abort", () => this.noMore(), { once: true });
    try {
      await Promise.race([this.#commitAll(), this.#watchJob(), this.#fence.promise]);
    } finally {
      draining.removeEventListener("abort", move);
    }
  }

  #send(message: NonNullable<provisioner.RunJobResponse["message"]>): void {
    this.#stream.send({ message });
  }

  async #commitAll(): Promise<void> {
    while (true) {
      if (this.#waiting.length === 0) {
        if (this.#ended) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      const batch = this.#waiting.splice(0, MAX_BATCH);
      this.#waitingBytes -= batch.reduce((sum, { message }) => sum + sizeOf(message), 0);
      const outcome = await untilCommitted(this.#signal, () =>
        commitMessages(this.#edge, this.#attached, batch),
      ); // R3
      if (outcome.kind === "fenced") {
        await this.#keepStates(batch); // R4
        throw fenced(this.#attached.jobId, this.#attached.epoch);
      }
      for (const answer of outcome.answers) this.#send(answer); // R1
      if (outcome.jobEnded) return;
    }
  }

  async #keepStates(batch: readonly NumberedMessage[]): Promise<void> {
    const { jobId } = this.#attached;
    for (const snapshot of batch
      .map(({ message }) => stateIn(message))
      .filter((state) => state !== undefined)) {
      const outcome = await this.#edge.database.transaction(async (sql) => {
        await sql`select id from api.job where id = ${jobId} for update`;
        return takeState(sql, jobId, snapshot);
      });
      this.#edge.log.info("late state", { job: jobId, outcome });
    }
  }

  async #beat(sequence: bigint): Promise<void> {
    // the first one answers the attachment
    if (this.#attachedAt !== undefined) this.#roundTrip.measured(performance.now() - this.#attachedAt);
    this.#attachedAt = undefined;
    let committed = false;
    try {
      committed = await withDeadline("renewing a lease", BEAT_DEADLINE_MS, this.#renew());
    } catch (error) {
      this.#edge.log.debug("lease not renewed", { job: this.#attached.jobId, reason: messageOf(error) });
    }
    this.#send({ $case: "beat", value: { sequence, committed } });
  }

  async #renew(): Promise<boolean> {
    const { sql } = this.#edge.database;
    if (performance.now() - this.#touchedAt > TOUCH_MS) {
      await touchDaemon(sql, this.#daemonId, this.#edge.replicaId);
      this.#touchedAt = performance.now();
    }
    if (!(await renew(sql, this.#attached, this.#roundTrip.patienceMs(LEASE_MS)))) await this.#checkFence();
    return true;
  }

  /** Tells the daemon of a cancellation, and ends the stream of one that was fenced. */
  async #watchJob(): Promise<never> {
    let told = this.#attached.cancelRequested;
    while (!this.#signal.aborted) {
      const hint = this.#edge.hints.next(channels.jobChanged, {
        id: this.#attached.jobId,
        signal: this.#signal,
      });
      try {
        const canceled = await this.#checkFence();
        if (canceled && !told) this.#send({ $case: "cancel", value: {} });
        told ||= canceled;
      } catch (error) {
        if (error instanceof CodedError && error.code === "aborted") throw error;
        this.#edge.log.debug("job could not be read", {
          job: this.#attached.jobId,
          reason: messageOf(error),
        });
      }
      await hint;
    }
    return new Promise<never>(() => undefined); // the commits decide when the work is over
  }

  /** Whether the job was asked to be canceled. Rejects the fence when it is this attachment's no more. */
  async #checkFence(): Promise<boolean> {
    const { jobId, epoch, subEpoch } = this.#attached;
    const [row] = await this.#edge.database.sql<{ canceled: boolean }[]>`
      select canceled_at is not null and completed_at is null as canceled from api.job
      where id = ${jobId} and epoch = ${epoch} and sub_epoch = ${subEpoch}`;
    if (row !== undefined) return row.canceled;
    const error = fenced(jobId, epoch); // R2
    this.#fence.reject(error);
    throw error;
  }
}
