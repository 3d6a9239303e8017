import pgListen, { type Subscriber } from "pg-listen";
import { randomBytes } from "node:crypto";
import { Backoff, deferred, messageOf, Scope, sleep, Turnstile } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import type { Connector } from "./connector.ts";
import type { Notification } from "./database.ts";
import { DatabaseError } from "./database-error.ts";
import type { DatabaseSocket } from "./database-socket.ts";
import type { Probes } from "./probes.ts";

// One connection that listens, and is the process's eye on the database.
//   N1  Each second a statement runs on it with a deadline; every other second it must hear its own echo as well.
//       (Without this neither driver notices a half-open connection.)
//   N2  Whatever fails, the whole listener is thrown away and built anew with jitter. pg-listen's own retry is off:
//       once begun it cannot be stopped, and a closed one would go on dialing.
//   N3  After a gap every channel hears `dropped`.
//   N4  When the server was silent, all of the process's connections to it are dropped, not this one alone.

const PROBE_MS = 1_000;
/** With the pause before it, a silent server is found out within 5 s; a machine under load gets the rest. */
const DEADLINE_MS = 4_000;

type Hear = (hint: Notification) => void;

/** Listens on any number of channels over one connection. */
export class Listener implements AsyncDisposable {
  readonly #connector: Connector;
  readonly #probes: Probes;
  readonly #onSilence: (fault: DatabaseError) => void;
  readonly #log: Logger;
  readonly #channels = new Map<string, Set<Hear>>();
  readonly #scope = new Scope();
  readonly #backoff = new Backoff({ firstMs: 50, maxMs: 1_000 });
  readonly #first = deferred();
  #live: Session | undefined;
  /** Whether there was a session before this one. */
  #gap = false;
  #running: Promise<void> | undefined;

  /** `onSilence` drops the process's other connections to the server (N4). */
  constructor(connector: Connector, probes: Probes, onSilence: (fault: DatabaseError) => void, log: Logger) {
    this.#connector = connector;
    this.#probes = probes;
    this.#onSilence = onSilence;
    this.#log = log;
  }

  /** Resolves once it listens for the first time. */
  async start(): Promise<void> {
    this.#running = this.#run();
    await this.#first.promise;
  }

  /** Resolves once the channel is listened to; in an outage at once, and `dropped` is told after it. */
  async listen(channel: string, hear: Hear): Promise<Disposable> {
    const hearers = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, hearers);
    const heard: Hear = (hint) => hear(hint); // its own identity, should one function listen twice
    hearers.add(heard);
    await this.#live?.listenTo(channel);
    return { [Symbol.dispose]: () => this.#forget(channel, heard) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
    this.#live?.close();
    await this.#running;
  }

  #forget(channel: string, hear: Hear): void {
    const hearers = this.#channels.get(channel);
    if (hearers?.delete(hear) !== true || hearers.size > 0) return;
    this.#channels.delete(channel);
    void this.#live?.unlisten(channel);
  }

  async #run(): Promise<void> {
    while (!this.#scope.signal.aborted) {
      await this.#session();
      await sleep(this.#backoff.nextMs(), this.#scope.signal);
    }
  }

  /** One session, from its connecting to its end. */
  async #session(): Promise<void> {
    try {
      await using session = new Session(this.#connector, (channel, payload) =>
        this.#tell(channel, { kind: "notified", payload }),
      );
      await session.open([...this.#channels.keys()]);
      this.#live = session;
      this.#backoff.connected();
      if (this.#gap) this.#tellAll();
      this.#gap = true;
      this.#first.resolve();
      await this.#watch(session);
    } catch (error) {
      this.#suffer(error);
    } finally {
      this.#live = undefined;
    }
  }

  /** N1: returns when the process ends, throws when the session failed. */
  async #watch(session: Session): Promise<void> {
    for (let turn = 0; !this.#scope.signal.aborted; turn += 1) {
      this.#probes.answered(await session.probe());
      if (turn % 2 === 1) await session.echo();
      await session.orFailure(sleep(PROBE_MS, this.#scope.signal));
    }
  }

  #suffer(error: unknown): void {
    if (this.#scope.signal.aborted) return;
    if (this.#probes.reachable)
      this.#log.warn("lost the listening connection to Postgres", { reason: messageOf(error) });
    this.#probes.failed();
    if (error instanceof SilenceError) this.#onSilence(error); // N4
  }

  #tell(channel: string, hint: Notification): void {
    for (const hear of this.#channels.get(channel) ?? []) hear(hint);
  }

  /** N3 */
  #tellAll(): void {
    for (const channel of this.#channels.keys()) this.#tell(channel, { kind: "dropped" });
  }
}

class SilenceError extends DatabaseError {}

/** One life of the connection. */
class Session implements AsyncDisposable {
  readonly #subscriber: Subscriber<Record<string, string>>;
  readonly #waiting = new Set<(error: unknown) => void>();
  /** pg takes one statement after the other. */
  readonly #turn = new Turnstile({ atOnce: 1, mayWait: Infinity });
  #failure: { readonly error: unknown } | undefined;
  readonly #echoChannel = `berth_echo_${randomBytes(6).toString("hex")}`;
  #socket: DatabaseSocket | undefined;
  #echoed: (() => void) | undefined;
  #probing = false;

  constructor(connector: Connector, hear: (channel: string, payload: string) => void) {
    this.#subscriber = pgListen.default(
      connector.listener((socket) => (this.#socket = socket)),
      // a limit of 1 is no attempt at all (N2)
      { retryLimit: 1, paranoidChecking: false, parse: (text) => text, serialize: String },
    );
    this.#subscriber.events.on("error", (error) => this.#fail(error));
    this.#subscriber.events.on("notification", ({ channel, payload }) => {
      if (channel === this.#echoChannel) this.#echoed?.();
      else hear(channel, typeof payload === "string" ? payload : "");
    });
  }

  async open(channels: readonly string[]): Promise<void> {
    await this.#within("connecting", this.#subscriber.connect());
    for (const channel of [this.#echoChannel, ...channels]) await this.listenTo(channel);
  }

  async listenTo(channel: string): Promise<void> {
    await this.#within(
      "listening",
      this.#inTurn(() => this.#subscriber.listenTo(channel)),
    );
  }

  async unlisten(channel: string): Promise<void> {
    await this.#inTurn(() => this.#subscriber.unlisten(channel)).catch((error: unknown) => this.#fail(error));
  }

  /** One statement there and back, in milliseconds. pg-listen offers no plain query: this one changes nothing else. */
  async probe(): Promise<number> {
    const startedAt = performance.now();
    const probe = "berth_probe";
    const isProbing = this.#probing;
    this.#probing = !isProbing;
    const answer = this.#inTurn(() =>
      isProbing ? this.#subscriber.unlisten(probe) : this.#subscriber.listenTo(probe),
    );
    await this.#within("a probe", answer);
    return performance.now() - startedAt;
  }

  async echo(): Promise<void> {
    const heard = new Promise<void>((resolve) => (this.#echoed = resolve));
    const sent = this.#inTurn(() => this.#subscriber.notify(this.#echoChannel, "echo"));
    await this.#within("an echo", Promise.all([sent, heard]));
  }

  close(): void {
    this.#fail(new DatabaseError("closed"));
    this.#socket?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscriber.events.removeAllListeners("notification");
    const closed = this.#subscriber.close().catch(() => undefined); // the socket is destroyed in any case
    await Promise.race([closed, sleep(200)]);
    this.close();
  }

  /** What the work comes to, or what has ended the session. A race with a promise of the whole session would keep something of each. */
  async orFailure<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    if (this.#failure !== undefined) reject(this.#failure.error);
    this.#waiting.add(reject);
    try {
      return await Promise.race([work, promise]);
    } finally {
      this.#waiting.delete(reject);
    }
  }

  #inTurn(statement: () => Promise<unknown> | undefined): Promise<unknown> {
    return this.#turn.pass(async () => statement());
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const reject of this.#waiting) reject(error);
  }

  /** The answer, or what ended the session, or a SilenceError. */
  async #within<T>(what: string, answer: Promise<T>): Promise<T> {
    answer.catch(() => undefined); // lost to the race when the session fails first
    const silence = deferred<never>();
    const late = () =>
      silence.reject(new SilenceError(`Postgres did not answer ${what} within ${DEADLINE_MS / 1000} s`));
    // What came in while this process was busy or stopped is read before the verdict.
    const timer = setTimeout(() => setImmediate(late), DEADLINE_MS);
    try {
      return await this.orFailure(Promise.race([answer, silence.promise]));
    } finally {
      clearTimeout(timer);
    }
  }
}
