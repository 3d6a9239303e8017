import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { messageOf } from "@berth/std";
import type { Definition, Method } from "./method.ts";

type RequestOf<M> = M extends { requestDeserialize: (bytes: Buffer) => infer Request } ? Request : never;
type ResponseOf<M> = M extends { responseDeserialize: (bytes: Buffer) => infer Response } ? Response : never;

/** A service whose every call is one request and one response. */
export type UnaryHandlers<D> = {
  readonly [M in keyof D]: (request: RequestOf<D[M]>) => Promise<ResponseOf<D[M]>>;
};

/**
 * Serves another program's gRPC contract on a Unix socket of its own: no deadlines, tracing or audience of ours.
 * (The plugin protocol, whose client is Terraform.) The folder of the path is the protection. Closing it ends every call.
 */
export async function serveOnSocket<D extends Definition>(
  path: string,
  definition: D,
  handlers: UnaryHandlers<D>,
): Promise<AsyncDisposable> {
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  const implementation: UntypedServiceImplementation = Object.fromEntries(
    Object.keys(definition).map((name) => [name, answering(handlers[name as keyof D])]),
  );
  server.addService(definition as Record<string, Method> as ServiceDefinition, implementation);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(new Error(`serving on a socket: ${path}`, { cause: error })),
    );
  });
  return {
    [Symbol.asyncDispose]: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

function answering<Request, Response>(handler: (request: Request) => Promise<Response>) {
  return (call: { request: Request }, reply: sendUnaryData<Response>) => {
    handler(call.request).then(
      (response) => reply(null, response),
      (fault: unknown) => reply({ code: status.INTERNAL, details: messageOf(fault) }),
    );
  };
}
