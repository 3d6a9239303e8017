import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { CodedError, deferred } from "@berth/std";
import { type Connection, type Opened, isWayError } from "./connection.ts";
import type { CallOptions, Method } from "./method.ts";
import { readMessages } from "./reader.ts";
import { errorOf } from "./status.ts";

/** Given up after this long without a message, a stream is taken for the victim of a connection that is frozen. */
const SILENCE_MS = 4_000;

/** Makes the call once the way is known. */
export type Start<C> = (opened: Opened, deadline: { deadline?: number }) => C;

/** A stream's call from before its way is known until its end, and how it ended. */
export class WatchedCall<C extends ClientReadableStream<unknown>> {
  readonly #connection: Connection;
  readonly #method: Method;
  readonly #options: CallOptions;
  readonly #given = new AbortController();
  readonly #signal: AbortSignal;
  readonly #started = deferred();
  readonly #call: Promise<C | undefined>;
  #failure: CodedError | undefined;
  #begun = false;
  #over = false;
  #heardAt = performance.now();

  constructor(connection: Connection, method: Method, options: CallOptions, start: Start<C>) {
    const signals = options.signal === undefined ? [] : [options.signal];
    this.#connection = connection;
    this.#method = method;
    this.#options = options;
    this.#signal = AbortSignal.any([this.#given.signal, connection.closing, ...signals]);
    this.#signal.addEventListener("abort", () => {
      if (!this.#begun) this.#end(this.#gaveUp());
    });
    this.#call = this.#run(start).catch((error: unknown) => {
      this.#end(
        error instanceof CodedError
          ? error
          : new CodedError("internal", "a stream failed to open", { cause: error }),
      );
      return undefined;
    });
  }

  /** Resolves when the call has begun, or will never. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  get over(): boolean {
    return this.#over;
  }

  cancel(): void {
    this.#given.abort();
  }

  async *messages(): AsyncGenerator {
    const call = await this.#call;
    if (call === undefined) throw this.#failure ?? this.#gaveUp();
    for await (const message of readMessages(call, () => this.#failure)) {
      this.#heardAt = performance.now();
      yield message;
    }
  }

  async #run(start: Start<C>): Promise<C | undefined> {
    const { deadlineMs } = this.#options;
    const deadline = deadlineMs === undefined ? undefined : Date.now() + deadlineMs;
    const opened = await this.#connection.open(this.#method.path, this.#options, deadline);
    if (this.#signal.aborted) return undefined;
    const call = start(opened, deadline === undefined ? {} : { deadline });
    this.#heardAt = performance.now();
    this.#watch(call, opened);
    this.#begun = true;
    this.#started.resolve();
    return call;
  }

  #watch(call: C, { route, client }: Opened): void {
    const cancel = () => {
      call.cancel();
      if (performance.now() - this.#heardAt > SILENCE_MS) this.#connection.suspect(route, client);
    };
    this.#signal.addEventListener("abort", cancel);
    call.on("error", (error: Error | ServiceError) => {
      if (this.#over || !("metadata" in error)) return; // the reader's own end, not the call's
      const fault = errorOf(error, route.target.name);
      if (isWayError(fault)) this.#connection.failed(route, client);
      this.#end(fault);
    });
    call.on("status", () => {
      this.#signal.removeEventListener("abort", cancel);
      this.#end();
    });
  }

  #end(error?: CodedError): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = error;
    this.#started.resolve();
    this.#given.abort(); // frees what listens to the longer-lived signals; the call itself is over
  }

  #gaveUp(): CodedError {
    return new CodedError("cancelled", `${this.#method.path}: given up by the caller`);
  }
}
