import { Connection } from "./connection.ts";
import type { CallOptions, Client, ConnectOptions, Definition } from "./method.ts";
import { openServerStream, openStream } from "./stream-call.ts";
import { callUnary } from "./unary.ts";

/**
 * A typed client of a service. Nothing is dialed before the first call; disposing ends every call.
 * @throws CodedError invalid_argument when a target cannot be read
 */
export function connect<D extends Definition>(definition: D, options: ConnectOptions): Client<D> {
  const connection = new Connection(options);
  const calls = Object.entries(definition).map(([name, method]) => {
    if (method.requestStream) return [name, (call: CallOptions = {}) => openStream(connection, method, call)];
    if (method.responseStream)
      return [
        name,
        (request: unknown, call: CallOptions = {}) => openServerStream(connection, method, request, call),
      ];
    return [name, (request: unknown, call: CallOptions = {}) => callUnary(connection, method, request, call)];
  });
  const client: unknown = {
    ...Object.fromEntries(calls),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
  return client as Client<D>; // each entry was made for its method's shape above
}
