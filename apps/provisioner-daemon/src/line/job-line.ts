import type { provisioner } from "@berth/contract";
import type { ClientStream } from "@berth/rpc";
import { Backoff, type Deferred, type RoundTrip, codeOf, deferred, messageOf, sleep } from "@berth/std";
import { currentTraceparent, type Logger } from "@berth/telemetry";
import type { Identity } from "../cache/identity.ts";
import type { Periods } from "../periods.ts";
import { Beats } from "./beats.ts";
import { Contact, type Lost } from "./contact.ts";
import { type Replicas, isRefusal } from "./replicas.ts";

// One job's line to the control plane, over as many streams as it takes.
//   J1  Messages are numbered without gaps; what was committed is never sent again, unless its answer was lost.
//   J2  A stream is left for the next one before anything is sent on that.
//   J3  A line that is fenced or refused says so once and dials no more. Fenced is what an attach is refused for: a stream that
//       was attached may also be fenced by an attach of our own that a frozen replica only now gets to.
//   J4  A replica that asks to move may be the only one there is: it is left after a while that grows each time, and until then
//       the job goes on there.

type Message = NonNullable<provisioner.RunJobRequest["message"]>;
type Answer = NonNullable<provisioner.RunJobResponse["message"]>;
type JobStream = ClientStream<provisioner.RunJobRequest, provisioner.RunJobResponse>;

/** What a build must hear from its line. */
export interface JobEars {
  onCancel(): void;
  /** Nobody can hear this build: Terraform must end. */
  onLost(lost: Lost): void;
  /** The job is not this daemon's any more, or the daemon is refused: nothing that is sent will be committed. */
  onOver(why: "fenced" | "refused", error: unknown): void;
}

/** What a line is for. */
export interface JobLineOptions {
  readonly jobId: string;
  readonly epoch: bigint;
  readonly identity: Identity;
  readonly replicas: Replicas;
  readonly periods: Periods;
  readonly roundTrip: RoundTrip;
  readonly log: Logger;
  readonly ears: JobEars;
}

interface Pending {
  readonly sequence: bigint;
  readonly message: Message;
  /** Settled when it is committed and, where it has one, its answer is here. */
  readonly committed: Deferred<Answer | undefined>;
}

/** The job is not this daemon's any more. */
export class LineOverError extends Error {
  override readonly name = "LineOverError";
}

/** Sends what a build has to say until all of it is committed. */
export class JobLine {
  readonly #options: JobLineOptions;
  readonly #contact: Contact;
  readonly #closing = new AbortController();
  readonly #working: Promise<void>;
  readonly #moving = new Backoff();
  #pending: Pending[] = [];
  #sequence = 0n;
  #attached: Attachment | undefined;
  #over: LineOverError | undefined;

  constructor(options: JobLineOptions) {
    this.#options = options;
    this.#contact = new Contact(options.periods, options.roundTrip, (lost) => options.ears.onLost(lost));
    this.#working = this.#work();
  }

  /** Queues a message; resolves when it is committed, or never will be. */
  async send(message: Message): Promise<void> {
    await this.commit(message).catch(() => undefined); // `onOver` has said it
  }

  /** Queues a message; resolves when it is committed, with its answer. @throws LineOverError when it never will be. */
  commit(message: Message): Promise<Answer | undefined> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    this.#sequence += 1n;
    const pending = { sequence: this.#sequence, message, committed: deferred<Answer | undefined>() };
    this.#pending.push(pending);
    this.#attached?.replace(this.#pending);
    this.#attached?.more();
    return pending.committed.promise;
  }

  /** Ends the line. What was not committed is left. */
  async close(): Promise<void> {
    this.#contact[Symbol.dispose]();
    this.#closing.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const backoff = new Backoff();
    let failures = 0;
    while (this.#shouldDial()) {
      const startedAt = performance.now();
      const end = await this.#attachOnce(failures);
      failures = end === "refused" ? failures + 1 : 0;
      if (end === "moved") continue; // J4: it has waited
      if (end === "lost" && performance.now() - startedAt > this.#options.periods.redialMs)
        backoff.connected();
      if (this.#shouldDial()) await sleep(backoff.nextMs(), this.#closing.signal);
    }
  }

  #shouldDial(): boolean {
    return !this.#closing.signal.aborted && this.#over === undefined;
  }

  /** Attaches and serves one stream to its end; `refused`: it was never attached. */
  async #attachOnce(failures: number): Promise<"refused" | "lost" | "moved"> {
    const { replicas, periods, roundTrip, jobId, epoch, identity, log } = this.#options;
    using client = replicas.dial(failures);
    const leaving = new AbortController();
    const stream = client.runJob({ signal: AbortSignal.any([this.#closing.signal, leaving.signal]) });
    const { daemonId, incarnation } = identity;
    const attach = { jobId, epoch, daemonId, incarnation, traceparent: currentTraceparent() ?? "" };
    stream.send({ sequence: 0n, message: { $case: "attach", value: attach } });
    using beats = new Beats({
      periods,
      roundTrip,
      send: (sequence) => stream.send({ sequence: 0n, message: { $case: "beat", value: { sequence } } }),
      giveUp: () => {
        log.warn("replica fell silent, dialing another", { job: jobId });
        stream.cancel();
      },
    });
    let held = false;
    try {
      for await (const { message } of stream) {
        if (message?.$case === "move") void this.#waitToMove(leaving); // J4
        if (message?.$case === "attached") {
          held = true;
          beats.begin();
        }
        // a peer that answers beats and not the attachment is left like one that answers nothing
        if (message !== undefined && held) this.#hear(message, stream, beats);
      }
    } catch (error) {
      this.#judge(error, held);
    }
    const isMoved = leaving.signal.aborted;
    leaving.abort(); // J2
    this.#attached?.leave();
    this.#attached = undefined;
    if (isMoved) return "moved";
    return held ? "lost" : "refused";
  }

  async #waitToMove(leaving: AbortController): Promise<void> {
    await sleep(this.#moving.nextMs(), leaving.signal);
    leaving.abort();
  }

  #judge(error: unknown, wasAttached: boolean): void {
    const { ears, log, jobId } = this.#options;
    if (this.#closing.signal.aborted) return;
    log.debug("job stream ended", { job: jobId, reason: messageOf(error) });
    const isFenced = codeOf(error) === "aborted" && !wasAttached; // J3
    const why = isFenced ? "fenced" : isRefusal(error) ? "refused" : undefined;
    if (why === undefined) return;
    this.#end(why, error);
    ears.onOver(why, error);
  }

  /** J3 */
  #end(why: "fenced" | "refused", cause: unknown): void {
    this.#over = new LineOverError(`job ${this.#options.jobId}: ${why}: ${messageOf(cause)}`, { cause });
    this.#contact[Symbol.dispose]();
    for (const { committed } of this.#pending.splice(0)) committed.reject(this.#over);
  }

  #hear(message: Answer, stream: JobStream, beats: Beats): void {
    const { ears } = this.#options;
    switch (message.$case) {
      case "attached":
        this.#moving.connected();
        this.#contact.heard(true);
        this.#committedTo(message.value.committedSequence);
        this.#attached = new Attachment(stream, this.#pending);
        if (message.value.cancelRequested) ears.onCancel();
        return;
      case "beat":
        beats.answered(message.value.sequence);
        return this.#contact.heard(message.value.committed);
      case "ack":
        this.#contact.heard(true);
        return this.#committedTo(message.value.sequence);
      case "quota":
      case "applyBegun":
        return this.#answered(message);
      case "cancel":
        return ears.onCancel();
      case "move":
        return; // taken by the reader
    }
  }

  /** Everything up to here is committed; what has an answer to come waits for it. */
  #committedTo(sequence: bigint): void {
    const isDone = (each: Pending) => each.sequence <= sequence && !hasAnswer(each.message);
    for (const { committed } of this.#pending.filter(isDone)) committed.resolve(undefined);
    this.#forget(isDone);
  }

  #answered(answer: Extract<Answer, { $case: "quota" | "applyBegun" }>): void {
    const { sequence } = answer.value;
    this.#pending.find((each) => each.sequence === sequence)?.committed.resolve(answer);
    this.#forget((each) => each.sequence === sequence);
  }

  #forget(isDone: (pending: Pending) => boolean): void {
    this.#pending = this.#pending.filter((each) => !isDone(each));
    this.#attached?.replace(this.#pending);
  }
}

function hasAnswer(message: Message): boolean {
  return message.$case === "commitQuota" || message.$case === "beginApply";
}

/** Sends what is pending on one stream, in order, as fast as it takes it. */
class Attachment {
  readonly #stream: JobStream;
  #pending: readonly Pending[];
  #sent = 0n;
  #isSending = false;
  #hasLeft = false;

  constructor(stream: JobStream, pending: readonly Pending[]) {
    this.#stream = stream;
    this.#pending = pending;
    this.more();
  }

  replace(pending: readonly Pending[]): void {
    this.#pending = pending;
  }

  leave(): void {
    this.#hasLeft = true;
  }

  more(): void {
    if (!this.#isSending) void this.#send();
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    for (let next = this.#next(); next !== undefined && !this.#hasLeft; next = this.#next()) {
      this.#sent = next.sequence;
      const { sequence, message } = next;
      if (!this.#stream.send({ sequence, message })) await this.#stream.writable();
    }
    this.#isSending = false;
  }

  #next(): Pending | undefined {
    return this.#pending.find(({ sequence }) => sequence > this.#sent);
  }
}
