import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { noOpenSsh, OpenSsh } from "./open-ssh.ts";

const HOST = "127.0.0.1";

/** Answers with what it was sent, once the sender has ended its side. */
async function echoServer(where: { path: string } | { port: number; host: string }): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  server.listen(where);
  await once(server, "listening");
  return server;
}

async function freePort(): Promise<number> {
  const server = await echoServer({ port: 0, host: HOST });
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

const portOf = (server: Server): number => (server.address() as { port: number }).port;

/** Runs ssh with forwarding until disposed; ready once the command behind it has spoken. */
async function forwarding(host: OpenSsh, ...args: string[]): Promise<Disposable> {
  const child: ChildProcess = spawn(
    "ssh",
    host.sshArguments("-o", "ExitOnForwardFailure=yes", ...args, HOST, "echo up; cat"),
  );
  await once(child.stdout!, "data");
  return { [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

async function exchange(
  where: { path: string } | { port: number; host: string },
  bytes: Buffer,
): Promise<Buffer> {
  const socket = connect({ ...where, allowHalfOpen: true });
  socket.end(bytes);
  return buffer(socket);
}

test.skipIf(noOpenSsh)("a local port leads to one of the workspace, each side ending by itself", async () => {
  await using host = await OpenSsh.start();
  const echo = await echoServer({ port: 0, host: HOST });
  const port = await freePort();
  using _ = await forwarding(host, "-L", `${port}:localhost:${portOf(echo)}`);
  const bytes = randomBytes(8 * 1024 * 1024);
  expect((await exchange({ port, host: HOST }, bytes)).equals(bytes)).toBe(true);
  echo.close();
});

test.skipIf(noOpenSsh)("a server that ends its side first still hears the client out", async () => {
  await using host = await OpenSsh.start();
  const heard = Promise.withResolvers<Buffer>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.end("bye");
    heard.resolve(buffer(socket));
  });
  server.listen(0, HOST);
  await once(server, "listening");
  const port = await freePort();
  using _ = await forwarding(host, "-L", `${port}:${HOST}:${portOf(server)}`);
  const socket = connect({ port, host: HOST, allowHalfOpen: true });
  expect((await buffer(socket)).toString()).toBe("bye");
  socket.end("still here");
  expect((await heard.promise).toString()).toBe("still here");
  server.close();
});

test.skipIf(noOpenSsh)("a server that reads late hears all of a client that has gone", async () => {
  await using host = await OpenSsh.start();
  const path = join(host.folder, "late.sock");
  const taken = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.end("bye");
    taken.resolve(socket);
  });
  server.listen(path);
  await once(server, "listening");
  const echo = await echoServer({ port: 0, host: HOST });
  const [port, echoPort] = [await freePort(), await freePort()];
  const forwards = [`${port}:${path}`, `${echoPort}:${HOST}:${portOf(echo)}`];
  using _ = await forwarding(host, ...forwards.flatMap((forward) => ["-L", forward]));
  const bytes = randomBytes(1024 * 1024); // more than the socket holds, less than a channel may send unread
  const client = connect({ port, host: HOST, allowHalfOpen: true });
  client.resume().end(bytes);
  await once(client, "close");
  // its channel was closed before this one was opened
  expect((await exchange({ port: echoPort, host: HOST }, Buffer.from("hello"))).toString()).toBe("hello");
  expect((await buffer(await taken.promise)).equals(bytes)).toBe(true);
  for (const each of [server, echo]) each.close();
});

test.skipIf(noOpenSsh)("a local port leads to a Unix socket of the workspace", async () => {
  await using host = await OpenSsh.start();
  const path = join(host.folder, "echo.sock");
  const echo = await echoServer({ path });
  const port = await freePort();
  using _ = await forwarding(host, "-L", `${port}:${path}`);
  expect((await exchange({ port, host: HOST }, Buffer.from("hello"))).toString()).toBe("hello");
  echo.close();
});

test.skipIf(noOpenSsh)("a port of the workspace leads to the client, and closes with it", async () => {
  await using host = await OpenSsh.start();
  const echo = await echoServer({ port: 0, host: HOST });
  const port = await freePort();
  const session = await forwarding(host, "-R", `${port}:${HOST}:${portOf(echo)}`);
  expect((await exchange({ port, host: HOST }, Buffer.from("hello"))).toString()).toBe("hello");
  session[Symbol.dispose]();
  const refused = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: HOST });
      socket.once("connect", () => resolve(false)).once("error", () => resolve(true));
      socket.once("connect", () => socket.destroy());
    });
  while (!(await refused())) await new Promise((resolve) => setTimeout(resolve, 20));
  echo.close();
});

test.skipIf(noOpenSsh)("a port where nobody listens is refused at once", async () => {
  await using host = await OpenSsh.start();
  const result = await host.ssh(["-W", `${HOST}:${await freePort()}`, HOST]);
  expect(result.code).toBe(255);
});
