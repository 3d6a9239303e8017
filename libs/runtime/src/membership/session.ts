import { registry } from "@berth/contract";
import { connect } from "@berth/rpc";
import { CodedError, RoundTrip, sleep } from "@berth/std";

// One stream to one registry.
//   C1  Every message is a sign of life; without an acknowledgement for 5 s + 3 × smoothed round trip it is given up.
//   C2  What came in while this process was busy or stopped is read before that verdict.

const REPORT_MS = 1_000;
const SILENCE_MS = 5_000;

/** What a session is made of. */
export interface SessionContext {
  readonly target: string;
  readonly deploymentKey: Buffer;
  readonly join: registry.Join;
  /** The report of now, less its number. */
  readonly report: () => Omit<registry.Report, "sequence">;
  readonly onAccepted: (accepted: registry.Accepted) => void;
  readonly onView: (view: registry.View) => void;
  readonly onChange: (change: registry.ViewChange) => void;
}

/** A membership at one registry, for as long as it lasts. */
export class Session {
  readonly #context: SessionContext;
  readonly #over = new AbortController();
  readonly #sentAt = new Map<bigint, number>();
  #stream: Stream | undefined;
  #sequence = 0n;
  readonly #roundTrip = new RoundTrip(0);
  #deadline: NodeJS.Timeout | undefined;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Resolves when the registry ended it in order; throws when it failed. */
  async run(signal: AbortSignal): Promise<void> {
    const { target, deploymentKey, join } = this.#context;
    const either = AbortSignal.any([signal, this.#over.signal]);
    using client = connect(registry.ReplicaRegistryServiceService, {
      targets: [target],
      deploymentKey,
      ownConnection: true,
    });
    this.#stream = client.joinCluster({ signal: either });
    this.#stream.send({ traceparent: "", message: { $case: "join", value: join } });
    this.#arm();
    try {
      for await (const { message } of this.#stream) this.#hear(message, either);
    } catch (error) {
      throw this.#over.signal.aborted ? (this.#over.signal.reason as unknown) : error;
    } finally {
      clearTimeout(this.#deadline);
      this.#over.abort();
    }
  }

  /** Reports at once, for what should not wait for the next second. */
  reportNow(): void {
    if (this.#sequence > 0n) this.#report();
  }

  /** Says goodbye; `run` ends when the registry has written it. */
  goodbye(): void {
    this.#send({ $case: "goodbye", value: {} });
    this.#stream?.end();
  }

  #hear(message: registry.JoinClusterResponse["message"], signal: AbortSignal): void {
    switch (message?.$case) {
      case "accepted":
        this.#context.onAccepted(message.value);
        void this.#reportUntil(signal);
        break;
      case "view":
        this.#context.onView(message.value);
        break;
      case "change":
        this.#context.onChange(message.value);
        break;
      case "ack":
        this.#acknowledged(message.value.sequence);
        break;
      case undefined: // a later release says more
    }
  }

  #acknowledged(sequence: bigint): void {
    const sentAt = this.#sentAt.get(sequence);
    if (sentAt === undefined) return;
    for (const sent of this.#sentAt.keys()) if (sent <= sequence) this.#sentAt.delete(sent);
    this.#roundTrip.measured(performance.now() - sentAt);
    this.#arm();
  }

  /** C1 */
  #arm(): void {
    clearTimeout(this.#deadline);
    const ms = this.#roundTrip.patienceMs(SILENCE_MS);
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (this.#deadline !== timer) return; // C2
        this.#over.abort(new CodedError("unavailable", `no acknowledgement within ${Math.round(ms)} ms`));
      });
    }, ms);
    this.#deadline = timer;
  }

  async #reportUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#report();
      await sleep(REPORT_MS, signal);
    }
  }

  #report(): void {
    this.#sequence += 1n;
    this.#sentAt.set(this.#sequence, performance.now());
    this.#send({ $case: "report", value: { ...this.#context.report(), sequence: this.#sequence } });
  }

  #send(message: NonNullable<registry.JoinClusterRequest["message"]>): void {
    if (!this.#over.signal.aborted) this.#stream?.send({ traceparent: "", message });
  }
}

type Stream = ReturnType<
  ReturnType<typeof connect<typeof registry.ReplicaRegistryServiceService>>["joinCluster"]
>;
