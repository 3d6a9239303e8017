import { createServer, type Socket } from "node:net";
import { type Endpoint, endpointOf, listen, splice, tryConnect } from "./tcp.ts";

/** A balancer whose new connections go where the test says; connections that stand are left alone. */
export interface SteeringBalancer extends AsyncDisposable {
  readonly url: string;
  /** New connections go to the first of these that takes them. */
  steer(...addresses: string[]): void;
  /** Every byte that passes from now on, in either direction. */
  record(hear: (bytes: Buffer) => void): void;
}

/** Starts one on a free port. */
export async function startSteeringBalancer(port?: number): Promise<SteeringBalancer> {
  const sockets = new Set<Socket>();
  const state: { targets: readonly Endpoint[]; hear: ((bytes: Buffer) => void) | undefined } = {
    targets: [],
    hear: undefined,
  };
  const carry = async (client: Socket) => {
    for (const target of state.targets) {
      const backend = await tryConnect(target);
      if (backend === undefined) continue;
      for (const socket of [client, backend]) {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
      }
      return splice(client, backend, (bytes) => state.hear?.(bytes));
    }
    client.destroy();
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    client.on("error", () => client.destroy());
    void carry(client);
  });
  if (port !== undefined) await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = port ?? (await listen(server));
  return {
    url: `http://127.0.0.1:${bound}`,
    steer: (...addresses) => (state.targets = addresses.map(endpointOf)),
    record: (hear) => (state.hear = hear),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
