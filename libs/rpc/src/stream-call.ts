import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { Connection } from "./connection.ts";
import type { CallOptions, ClientStream, Method } from "./method.ts";
import { requestSerializer } from "./serializer.ts";
import { whenWritable } from "./serve.ts";
import { WatchedCall } from "./watched-call.ts";

/** How many messages may wait until the way is found. */
const WAITING = 16;

/** A bidirectional stream. The way is looked for meanwhile; what is sent before is sent then. It is never retried. */
export function openStream(
  connection: Connection,
  method: Method,
  options: CallOptions,
): ClientStream<unknown, unknown> {
  const waiting: unknown[] = [];
  let call: ClientDuplexStream<unknown, unknown> | undefined;
  let ended = false;
  const watched = new WatchedCall(connection, method, options, ({ client, metadata }, deadline) => {
    const { path, responseDeserialize } = method;
    call = client.makeBidiStreamRequest(
      path,
      requestSerializer(method),
      responseDeserialize,
      metadata,
      deadline,
    );
    for (const message of waiting.splice(0)) call.write(message);
    if (ended) call.end();
    return call;
  });
  return {
    send(message) {
      if (ended || watched.over) return false;
      if (call !== undefined) return call.write(message);
      return waiting.push(message) < WAITING;
    },
    async writable() {
      await watched.started;
      if (call !== undefined && !watched.over) await whenWritable(call);
    },
    end() {
      ended = true;
      call?.end();
    },
    cancel: () => watched.cancel(),
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
  const watched = new WatchedCall(connection, method, options, ({ client, metadata }, deadline) => {
    const { path, responseDeserialize } = method;
    return client.makeServerStreamRequest(
      path,
      requestSerializer(method),
      responseDeserialize,
      request,
      metadata,
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
