import { type IncomingMessage, createServer, request as send } from "node:http";
import { type AddressInfo, type Socket, connect, createServer as createTcpServer } from "node:net";
import type { Duplex, Readable } from "node:stream";
import type { Scope } from "@berth/std";

/** Everything a socket sends until its end, as text. */
export async function readAll(socket: Readable): Promise<string> {
  const chunks = await socket.toArray();
  return Buffer.concat(chunks as Buffer[]).toString();
}

/** A proxy as old balancers are: it passes HTTP/1.1 requests and WebSocket upgrades, and knows no HTTP/2. */
export async function startHttp1Proxy(scope: Scope, upstream: number) {
  const sockets = new Set<Duplex>();
  let upgrades = 0;
  const server = createServer((request, response) => {
    const onward = send(onwards(request, upstream), (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    request.pipe(onward);
  });
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades += 1;
    const onward = connect(upstream, "127.0.0.1");
    sockets.add(onward);
    const headers = request.rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [`${name}: ${request.rawHeaders[at + 1] ?? ""}`] : [],
    );
    onward.write(`GET ${request.url ?? "/"} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`);
    onward.write(head);
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.add("proxy", () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, upgrades: () => upgrades };
}

function onwards(request: IncomingMessage, port: number) {
  const { method, url, headers } = request;
  return { host: "127.0.0.1", port, method, path: url, headers };
}

/** A proxy whose connections can be frozen: they stay open and carry nothing more; new ones work. */
export async function startFreezer(scope: Scope, upstream: number) {
  const pairs: [near: Socket, far: Socket][] = [];
  const server = createTcpServer((near) => {
    const far = connect(upstream, "127.0.0.1");
    pairs.push([near, far]);
    near.pipe(far).pipe(near);
    for (const end of [near, far]) end.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.add("freezer", () => {
    server.close();
    for (const end of pairs.flat()) end.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => pairs.length,
    freeze: () => pairs.flat().forEach((end) => end.unpipe()),
  };
}
