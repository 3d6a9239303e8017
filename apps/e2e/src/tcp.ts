import { connect, createServer, type Server, type Socket } from "node:net";

/** Where a TCP connection goes. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:3000` or a URL as an endpoint. */
export function endpointOf(address: string): Endpoint {
  const { hostname: host, port } = new URL(address.includes("://") ? address : `http://${address}`);
  return { host, port: Number(port) };
}

/** A connection, or undefined when it is refused. */
export function tryConnect({ host, port }: Endpoint): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

/** Both ways until one side is gone; `hear` sees every byte. */
export function splice(a: Socket, b: Socket, hear?: (bytes: Buffer) => void): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    if (hear !== undefined) from.on("data", hear);
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroy());
  }
}

/** Listens on a free port of loopback. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("listening: no port was given");
  return bound.port;
}

/** A port that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
