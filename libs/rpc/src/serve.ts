import type { Server, ServerDuplexStream, ServerWritableStream, handleUnaryCall } from "@grpc/grpc-js";
import { CodedError } from "@berth/std";
import { type Gate, passGate } from "./gate.ts";
import type { Call, Definition, Handlers, Method, Stream } from "./method.ts";
import type { Audience } from "./mount.ts";
import { readMessages } from "./reader.ts";
import { responseSerializer } from "./serializer.ts";

type Unary = (request: unknown, call: Call) => Promise<unknown>;
type ServerStream = (request: unknown, stream: Stream<never, unknown>, call: Call) => Promise<void>;
type Bidirectional = (stream: Stream<unknown, unknown>, call: Call) => Promise<void>;

/** Puts a service's handlers onto the gRPC server. */
export function serveDefinition<D extends Definition>(
  server: Server,
  gate: Gate,
  definition: D,
  handlers: Handlers<D>,
  audience: Audience,
): void {
  for (const [name, method] of Object.entries(definition)) {
    const handler: unknown = handlers[name];
    if (!serveMethod(server, gate, method, handler, audience))
      throw new Error(`serving ${method.path}: it is served already`);
  }
}

function serveMethod(
  server: Server,
  gate: Gate,
  method: Method,
  handler: unknown,
  audience: Audience,
): boolean {
  const { path, requestDeserialize: deserialize } = method;
  const serialize = responseSerializer(method);
  if (method.requestStream && !method.responseStream)
    throw new Error(`serving ${path}: streams of requests with one answer are not spoken here`);
  // `Handlers<D>` has checked each handler against its method; the name is lost in a loop over both
  if (method.requestStream)
    return server.register(
      path,
      bidirectional(gate, handler as Bidirectional, audience),
      serialize,
      deserialize,
      "bidi",
    );
  if (method.responseStream)
    return server.register(
      path,
      serverStream(gate, handler as ServerStream, audience),
      serialize,
      deserialize,
      "serverStream",
    );
  return server.register(path, unary(gate, handler as Unary, audience), serialize, deserialize, "unary");
}

function unary(gate: Gate, handler: Unary, audience: Audience): handleUnaryCall<unknown, unknown> {
  return (call, answer) => {
    passGate(gate, call, audience, (context) => handler(call.request, context)).then(
      (response) => answer(null, response),
      (status: unknown) => answer(status as Error), // a StatusObject: see passGate
    );
  };
}

function bidirectional(gate: Gate, handler: Bidirectional, audience: Audience) {
  return (call: ServerDuplexStream<unknown, unknown>) => {
    const failure = () => (call.cancelled ? new CodedError("cancelled", "the caller has gone") : undefined);
    const stream: Stream<unknown, unknown> = {
      ...sender(call),
      [Symbol.asyncIterator]: () => readMessages(call, failure),
    };
    finish(
      call,
      passGate(gate, call, audience, (context) => handler(stream, context)),
    );
  };
}

function serverStream(gate: Gate, handler: ServerStream, audience: Audience) {
  return (call: ServerWritableStream<unknown, unknown>) => {
    const stream: Stream<never, unknown> = {
      ...sender(call),
      async *[Symbol.asyncIterator]() {
        // nothing comes in after the request
      },
    };
    finish(
      call,
      passGate(gate, call, audience, (context) => handler(call.request, stream, context)),
    );
  };
}

type Writing = ServerDuplexStream<unknown, unknown> | ServerWritableStream<unknown, unknown>;

function sender(call: Writing): Pick<Stream<never, unknown>, "send" | "writable"> {
  return {
    send: (message) => !call.cancelled && !call.writableEnded && call.write(message),
    writable: () => whenWritable(call),
  };
}

/** Resolves at once when there is room, at the next `drain` otherwise, or when the call is over. */
export function whenWritable(call: NodeJS.EventEmitter & { writableNeedDrain: boolean; destroyed: boolean }) {
  if (!call.writableNeedDrain || call.destroyed) return Promise.resolve();
  return new Promise<void>((resolve) => {
    const done = () => {
      for (const event of EVENTS) call.off(event, done);
      resolve();
    };
    for (const event of EVENTS) call.on(event, done);
  });
}

const EVENTS = ["drain", "cancelled", "close", "error"] as const;

function finish(call: Writing, over: Promise<void>): void {
  over.then(
    () => call.cancelled || call.end(),
    (status: unknown) => call.cancelled || call.emit("error", status),
  );
}
