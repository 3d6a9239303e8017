import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Scope, sleep } from "@berth/std";
import { afterEach, beforeEach, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { type WebSocketConnection, acceptWebSocket, openWebSocket, refuseUpgrade } from "../src/index.ts";
import { wrapWebSocket } from "../src/websocket-connection.ts";
import { startListener } from "./echo.ts";

let scope: Scope;
beforeEach(() => void (scope = new Scope()));
afterEach(() => scope.close());

/** A listener whose `/watch` hands over what it accepted. */
async function accepting(protocol?: string) {
  const listener = await startListener(scope);
  const accepted = Promise.withResolvers<WebSocketConnection>();
  listener.upgrade("/watch", (request, socket, head) => {
    const connection = acceptWebSocket(request, socket, head, protocol === undefined ? {} : { protocol });
    if (connection !== undefined) accepted.resolve(connection);
  });
  listener.upgrade("/private", (_request, socket) => refuseUpgrade(socket, 401, "log in first"));
  return { url: `http://${listener.address}`, accepted: accepted.promise };
}

test("texts stay texts and bytes stay bytes, in order, from the first message on", async () => {
  const { url, accepted } = await accepting();
  void accepted.then((server) => {
    server.send("first");
    server.send(Buffer.from([0, 255]));
    server.close(1000, "done");
  });
  const client = await openWebSocket(`${url}/watch`);
  expect(await Array.fromAsync(client.messages)).toEqual(["first", Buffer.from([0, 255])]);
  expect(await client.closed).toEqual({ code: 1000, reason: "done" });
});

test("a reason longer than a close frame is cut between two characters", async () => {
  const { url, accepted } = await accepting();
  void accepted.then((server) => server.close(1011, "ü".repeat(100)));
  const client = await openWebSocket(`${url}/watch`);
  expect(await client.closed).toEqual({ code: 1011, reason: "ü".repeat(61) });
});

test("close codes pass through both ways", async () => {
  const { url, accepted } = await accepting();
  const client = await openWebSocket(`${url}/watch`);
  const server = await accepted;
  client.close(4001, "moved");
  expect(await server.closed).toEqual({ code: 4001, reason: "moved" });
  expect(await Array.fromAsync(server.messages)).toEqual([]);
  expect(server.send("late")).toBe(false);
});

test("closing what has closed already leaves no timer: a program that has read a log to its end may end", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const { url, accepted } = await accepting();
  const client = await openWebSocket(`${url}/watch`);
  (await accepted).close(1000, "done");
  await client.closed;
  await (
    await accepted
  ).closed;
  const before = timers();
  client.close();
  expect(timers()).toBe(before);
});

test("a connection that breaks has closed with 1006", async () => {
  const { url, accepted } = await accepting();
  const raw = new WebSocket(`${url.replace("http", "ws")}/watch`);
  await once(raw, "open");
  const server = await accepted;
  raw.terminate();
  expect((await server.closed).code).toBe(1006);
});

test("the sub-protocol asked for is agreed on", async () => {
  const { url } = await accepting("v2.berth");
  const raw = new WebSocket(`${url.replace("http", "ws")}/watch`, ["v1.berth", "v2.berth"]);
  await once(raw, "open");
  expect(raw.protocol).toBe("v2.berth");
  raw.close();
});

test("a refusal carries the code of its status and the message of its body", async () => {
  const { url } = await accepting();
  await expect(openWebSocket(`${url}/private`)).rejects.toMatchObject({
    code: "unauthenticated",
    message: "log in first",
    fields: { status: 401 },
  });
});

test("giving up while connecting is cancelled", async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  scope.add("silent", () => {
    silent.close();
    silent.closeAllConnections();
  });
  const gone = new AbortController();
  silent.on("upgrade", () => gone.abort());
  const { port } = silent.address() as AddressInfo;
  await expect(openWebSocket(`http://127.0.0.1:${port}/`, { signal: gone.signal })).rejects.toMatchObject({
    code: "cancelled",
  });
});

test("a reader that is slow slows the sender: send answers false until there is room", async () => {
  const { url, accepted } = await accepting();
  const client = await openWebSocket(`${url}/watch`);
  const server = await accepted;
  const chunk = Buffer.alloc(256 << 10, 7);
  let sent = 0;
  while (server.send(chunk)) sent += 1;
  let received = 0;
  const reading = (async () => {
    for await (const message of client.messages) {
      received += message.length;
      if (received === (sent + 1) * chunk.length) client.close();
    }
  })();
  await server.writable();
  await reading;
  expect(received).toBe((sent + 1) * chunk.length);
});

test("a peer that takes nothing within the limit is closed with 1011", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  scope.add("server", () => server.close());
  await once(server, "listening");
  const connected = Promise.withResolvers<WebSocket>();
  server.on("connection", (socket: WebSocket) => connected.resolve(socket));
  const { port } = server.address() as AddressInfo;
  const deaf = new WebSocket(`ws://127.0.0.1:${port}`);
  scope.add("deaf", () => deaf.terminate());
  await once(deaf, "open");
  const socket = await connected.promise;
  const connection = wrapWebSocket(socket, 200);
  deaf.pause();
  while (connection.send(Buffer.alloc(1 << 20))) await sleep(0);
  expect((await connection.closed).code).toBe(1011);
  socket.terminate();
});
