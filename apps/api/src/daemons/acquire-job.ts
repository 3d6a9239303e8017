import { CodedError, RoundTrip, messageOf, withDeadline } from "@berth/std";
import { durationFromMs, type provisioner } from "@berth/contract";
import type { Call, Stream } from "@berth/rpc";
import { channels } from "../channels.ts";
import type { EdgeContext } from "../edge-context.ts";
import { accept, takeBack, type Claim } from "../jobs/claim.ts";
import { closeJob } from "../jobs/close.ts";
import { DELIVERY_MS } from "../jobs/periods.ts";
import { authenticateDaemon, keyStillStands, keyWasDeleted, type DaemonCaller } from "./authenticate.ts";
import { registerDaemon, touchDaemon, type KnownDaemon } from "./daemon-row.ts";
import { describeJob } from "./describe-job.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** A daemon that hears no acknowledged beat for so long dials another replica. */
const SILENCE_MS = 5_000;
const TOUCH_MS = 10_000;
const BEAT_DEADLINE_MS = 2_000;

type AcquireStream = Stream<provisioner.AcquireJobRequest, provisioner.AcquireJobResponse>;

/** Serves one daemon's line for jobs until it leaves, or its key is deleted. */
export async function acquireJob(
  edge: EdgeContext,
  dispatcher: Dispatcher,
  stream: AcquireStream,
  call: Call,
): Promise<void> {
  const caller = await authenticateDaemon(edge, call);
  let line: DaemonLine | undefined;
  const reading = (async () => {
    for await (const { message } of stream) {
      if (message?.$case === "hello") {
        if (line !== undefined) throw new CodedError("invalid_argument", "a daemon says hello once");
        const daemon = await registerDaemon(edge.database.sql, caller, message.value, edge.replicaId);
        line = new DaemonLine(edge, dispatcher, stream, call, daemon);
      } else if (message !== undefined) {
        if (line === undefined) throw new CodedError("invalid_argument", "the first message must be hello");
        line.hear(message);
      }
    }
  })();
  const over = new AbortController();
  try {
    await Promise.race([reading, untilKeyDeleted(edge, caller, AbortSignal.any([call.signal, over.signal]))]);
  } finally {
    over.abort();
    await line?.close();
  }
}

async function untilKeyDeleted(edge: EdgeContext, caller: DaemonCaller, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const hint = edge.hints.next(channels.keyDeleted, { id: caller.keyId, signal });
    // A database that is away says nothing about keys.
    if (!(await keyStillStands(edge, caller).catch(() => true))) throw keyWasDeleted();
    await hint;
  }
}

/** One daemon at this replica: what it waits for, and what was delivered to it and not yet accepted. */
class DaemonLine {
  readonly #edge: EdgeContext;
  readonly #dispatcher: Dispatcher;
  readonly #stream: AcquireStream;
  readonly #daemon: KnownDaemon;
  readonly #call: Call;
  #waiting: Disposable | undefined;
  #delivered: { readonly claim: Claim; readonly timer: NodeJS.Timeout } | undefined;
  readonly #roundTrip = new RoundTrip(0);
  #welcomedAt: number | undefined = performance.now();
  #closed = false;
  #touchedAt = performance.now();

  constructor(
    edge: EdgeContext,
    dispatcher: Dispatcher,
    stream: AcquireStream,
    call: Call,
    daemon: KnownDaemon,
  ) {
    this.#edge = edge;
    this.#dispatcher = dispatcher;
    this.#stream = stream;
    this.#call = call;
    this.#daemon = daemon;
    this.#send({
      $case: "welcome",
      value: { replicaId: edge.replicaId, silence: durationFromMs(SILENCE_MS) },
    });
    if (call.draining.aborted) this.#move();
    else call.draining.addEventListener("abort", this.#move, { once: true });
  }

  hear(message: NonNullable<provisioner.AcquireJobRequest["message"]>): void {
    // it answers the welcome with a beat at once
    if (this.#welcomedAt !== undefined) this.#roundTrip.measured(performance.now() - this.#welcomedAt);
    this.#welcomedAt = undefined;
    switch (message.$case) {
      case "ready":
        return this.#ready();
      case "accepted":
        return void this.#accepted(message.value.jobId, Number(message.value.epoch));
      case "beat":
        return void this.#beat(message.value.sequence);
      case "hello":
        return; // taken by the reader
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#call.draining.removeEventListener("abort", this.#move);
    this.#waiting?.[Symbol.dispose]();
    await this.#takeBack("its stream ended");
  }

  #send(message: NonNullable<provisioner.AcquireJobResponse["message"]>): void {
    this.#stream.send({ message });
  }

  readonly #move = () => {
    this.#waiting?.[Symbol.dispose]();
    this.#waiting = undefined;
    this.#send({ $case: "move", value: {} });
  };

  #ready(): void {
    this.#waiting?.[Symbol.dispose]();
    if (this.#call.draining.aborted) return;
    this.#waiting = this.#dispatcher.wait({
      ...this.#daemon,
      deliveryMs: this.#deliveryMs,
      deliver: (claim) => void this.#deliver(claim),
    });
  }

  get #deliveryMs(): number {
    return this.#roundTrip.patienceMs(DELIVERY_MS);
  }

  async #deliver(claim: Claim): Promise<void> {
    const timer = setTimeout(() => void this.#takeBack("it was not accepted in time"), this.#deliveryMs);
    this.#delivered = { claim, timer };
    try {
      const job = await describeJob(this.#edge.database.sql, claim, this.#edge.accessUrl);
      if (this.#closed) return await this.#takeBack("its stream ended");
      this.#send({ $case: "job", value: job });
    } catch (error) {
      if (error instanceof CodedError && error.code === "not_found") await this.#refuse(claim, error);
      else await this.#takeBack(messageOf(error));
    }
  }

  /** A job whose subject is gone can never be run. */
  async #refuse(claim: Claim, error: CodedError): Promise<void> {
    this.#forget(claim.jobId);
    await this.#edge.database.transaction(async (sql) => {
      const open = await sql`
        select id from api.job where id = ${claim.jobId} and epoch = ${claim.epoch} and completed_at is null for update`;
      if (open.length > 0) await closeJob(sql, this.#edge.hints, claim.jobId, { error: error.message });
    });
    this.#ready();
  }

  async #accepted(jobId: string, epoch: number): Promise<void> {
    this.#forget(jobId);
    try {
      const { database, hints } = this.#edge;
      const counted = await database.transaction((sql) => accept(sql, hints, jobId, epoch));
      this.#edge.log.info(counted ? "job accepted" : "job accepted too late", {
        job: jobId,
        epoch,
        daemon: this.#daemon.holder.daemonId,
      });
    } catch (error) {
      // Attaching accepts as well; without it the delivery runs out and the job is claimed again.
      this.#edge.log.warn("an accepted job could not be noted", { job: jobId, reason: messageOf(error) });
    }
  }

  async #beat(sequence: bigint): Promise<void> {
    let committed = this.#edge.database.reachable;
    if (performance.now() - this.#touchedAt > TOUCH_MS) {
      const touch = touchDaemon(this.#edge.database.sql, this.#daemon.holder.daemonId, this.#edge.replicaId);
      committed = await withDeadline("noting a beat", BEAT_DEADLINE_MS, touch).then(
        () => true,
        () => false, // what the daemon is told; the pool logs the reason
      );
      if (committed) this.#touchedAt = performance.now();
    }
    this.#send({ $case: "beat", value: { sequence, committed } });
  }

  #forget(jobId: string): void {
    if (this.#delivered?.claim.jobId !== jobId) return;
    clearTimeout(this.#delivered.timer);
    this.#delivered = undefined;
  }

  async #takeBack(reason: string): Promise<void> {
    if (this.#delivered === undefined) return;
    const { claim } = this.#delivered;
    this.#forget(claim.jobId);
    try {
      if (await takeBack(this.#edge.database.sql, this.#edge.hints, claim))
        this.#edge.log.info("job taken back", { job: claim.jobId, reason });
    } catch (error) {
      this.#edge.log.debug("a delivery runs out by itself", { job: claim.jobId, reason: messageOf(error) });
    }
  }
}
