import type { ClientDuplexStream, ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { CodedError, deferred } from "@berth/std";
import { type Connection, isWayError } from "./connection.ts";
import type { CallOptions, ClientStream, Method } from "./method.ts";
import { readMessages } from "./reader.ts";
import { whenWritable } from "./serve.ts";
import { errorOf } from "./status.ts";

type Out = ClientDuplexStream<unknown, unknown>;
type In = ClientReadableStream<unknown>;

/** How many messages may wait until the way is found. */
const WAITING = 16;

/** A bidirectional stream. The way is looked for meanwhile; what is sent before is sent then. It is never retried. */
export function openStream(
  connection: Connection,
  method: Method,
  options: CallOptions,
): ClientStream<unknown, unknown> {
  const waiting: unknown[] = [];
  let call: Out | undefined;
  let ended = false;
  const watched = watch(connection, method, options, (opened, deadline) => {
    const serialize = method.requestSerialize as (value: unknown) => Buffer; // Client<D> has checked the messages' type
    const { path, responseDeserialize } = method;
    const made = opened.client.makeBidiStreamRequest(
      path,
      serialize,
      responseDeserialize,
      opened.metadata,
      deadline,
    );
    for (const message of waiting.splice(0)) made.write(message);
    if (ended) made.end();
    call = made;
    return made;
  });
  return {
    send(message) {
      if (ended || watched.over()) return false;
      if (call !== undefined) return call.write(message);
      return waiting.push(message) < WAITING;
    },
    async writable() {
      await watched.started;
      if (call !== undefined && !watched.over()) await whenWritable(call);
    },
    end() {
      ended = true;
      call?.end();
    },
    cancel: watched.cancel,
    [Symbol.asyncIterator]: () => watched.messages(),
  };
}

/** One request, many answers. Leaving the loop over them cancels the call. */
export function openServerStream(
  connection: Connection,
  method: Method,
  request: unknown,
  options: CallOptions,
): AsyncIterable<unknown> {
  const watched = watch(connection, method, options, (opened, deadline) => {
    const serialize = method.requestSerialize as (value: unknown) => Buffer; // Client<D> has checked the request's type
    const { path, responseDeserialize } = method;
    return opened.client.makeServerStreamRequest(
      path,
      serialize,
      responseDeserialize,
      request,
      opened.metadata,
      deadline,
    );
  });
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* watched.messages();
      } finally {
        watched.cancel();
      }
    },
  };
}

type Start<C> = (opened: Awaited<ReturnType<Connection["open"]>>, deadline: { deadline?: number }) => C;

/** Starts a stream's call as soon as the way is known, and keeps how it ended. */
function watch<C extends In>(connection: Connection, method: Method, options: CallOptions, start: Start<C>) {
  const given = new AbortController();
  const signal = AbortSignal.any([
    given.signal,
    connection.closing,
    ...(options.signal ? [options.signal] : []),
  ]);
  const started = deferred();
  let failure: CodedError | undefined;
  let [begun, over] = [false, false];
  const end = (error?: CodedError) => {
    if (over) return;
    over = true;
    failure = error;
    started.resolve();
    given.abort(); // frees what listens to the longer-lived signals; the call itself is over
  };
  const run = async (): Promise<C | undefined> => {
    const deadline = options.deadlineMs === undefined ? undefined : Date.now() + options.deadlineMs;
    const opened = await connection.open(method.path, options, deadline);
    if (signal.aborted) return undefined;
    const call = start(opened, deadline === undefined ? {} : { deadline });
    const cancel = () => call.cancel();
    signal.addEventListener("abort", cancel);
    call.on("error", (error: Error | ServiceError) => {
      if (over || !("metadata" in error)) return; // the reader's own end, not the call's
      const fault = errorOf(error, opened.route.target.name);
      if (isWayError(fault)) connection.failed(opened.route);
      end(fault);
    });
    call.on("status", () => {
      signal.removeEventListener("abort", cancel);
      end();
    });
    begun = true;
    started.resolve();
    return call;
  };
  const gaveUp = () => new CodedError("cancelled", `${method.path}: given up by the caller`);
  const call = run().catch((error: unknown) => {
    end(
      error instanceof CodedError
        ? error
        : new CodedError("internal", "opening a stream failed", { cause: error }),
    );
    return undefined;
  });
  signal.addEventListener("abort", () => {
    if (!begun) end(gaveUp());
  });
  return {
    started: started.promise,
    over: () => over,
    cancel: () => given.abort(),
    async *messages(): AsyncGenerator {
      const made = await call;
      if (made === undefined) throw failure ?? gaveUp();
      yield* readMessages(made, () => failure);
    },
  };
}
