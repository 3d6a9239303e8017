import { connect as connectSocket } from "node:net";
import { readFileSync } from "node:fs";
import { Scope } from "@berth/std";
import { currentTraceparent } from "@berth/telemetry";
import { eventually } from "@berth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acceptWebSocket, connect, openWebSocket } from "../src/index.ts";
import { readAll, startHttp1Proxy } from "./proxies.ts";
import { type TestListener, echo, echoHandlers, startListener } from "./echo.ts";

let scope: Scope;
let listener: TestListener;
beforeEach(async () => {
  scope = new Scope();
  listener = await startListener(scope);
  listener.grpc(echo, echoHandlers, "public");
  listener.http("/*", (request, response) => response.end(`other ${request.url ?? ""}`));
  listener.http("/api/v2/*", (request, response) => response.end(`api ${request.url ?? ""}`));
  listener.http("/api/v2/buildinfo", (_request, response) => response.end("exact"));
  listener.upgrade("/api/v2/watch", (request, socket, head) => {
    const connection = acceptWebSocket(request, socket, head);
    void (async () => {
      for await (const message of connection?.messages ?? []) connection?.send(message);
    })();
  });
  listener.upgrade("/derp", (_request, socket, head) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n");
    let heard = head.toString();
    const hear = (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.endsWith("later")) socket.end(heard);
    };
    hear(Buffer.alloc(0));
    socket.on("data", hear);
  });
});
afterEach(() => scope.close());

const get = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(`http://${listener.address}${path}`, init);
  return { status: response.status, text: await response.text() };
};

/** Writes the pieces one after the other and answers everything that comes back. */
async function raw(pieces: readonly string[]): Promise<string> {
  const socket = connectSocket(listener.port, "127.0.0.1");
  socket.setNoDelay(true);
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return readAll(socket);
}

test("HTTP, WebSocket, DERP and gRPC pass through one port", async () => {
  expect((await get("/api/v2/users?q=1")).text).toBe("api /api/v2/users?q=1");
  const socket = await openWebSocket(`http://${listener.address}/api/v2/watch`);
  socket.send("hello");
  expect((await socket.messages[Symbol.asyncIterator]().next()).value).toBe("hello");
  const derp = await raw([
    "GET /derp HTTP/1.1\r\nHost: x\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\nearly",
    "later",
  ]);
  expect(derp).toMatch(/101 Switching[^]*\r\n\r\nearlylater$/);
  using client = connect(echo, { targets: [listener.address] });
  expect(await client.say("gRPC")).toBe("gRPC");
});

test.runIf(process.platform === "linux")("the kernel probes connections that are silent", async () => {
  const socket = connectSocket(listener.port, "127.0.0.1");
  scope.add("socket", () => socket.destroy());
  await new Promise((resolve) => socket.on("connect", resolve));
  const port = listener.port.toString(16).toUpperCase().padStart(4, "0");
  await eventually(() => {
    const lines = readFileSync("/proc/self/net/tcp", "utf8").split("\n");
    const served = lines.filter((line) => new RegExp(`^ *\\d+: \\w+:${port} \\w+:\\w+ 01 `).test(line));
    expect(served.map((line) => line.trim().split(/\s+/)[5]?.slice(0, 2))).toEqual(["02"]); // a keepalive timer
  });
});

test("the longest path wins, and exact paths before those below", async () => {
  expect((await get("/api/v2/buildinfo")).text).toBe("exact");
  expect((await get("/api/v2/buildinfo/x")).text).toBe("api /api/v2/buildinfo/x");
  expect((await get("/api/v2")).text).toBe("other /api/v2");
});

test("a protocol told byte by byte is told all the same", async () => {
  const request = "POST /api/v2/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  expect(await raw(Array.from(request))).toMatch(/^HTTP\/1.1 200 OK[^]*api \/api\/v2\/x/);
  expect(await raw(["PRI * HT", "TP/1.1\r\nHost: x\r\n\r\n"])).toMatch(/^HTTP\/1.1 400/);
});

test("an upgrade path without an upgrade answers 426 in JSON", async () => {
  const { status, text } = await get("/api/v2/watch");
  expect(status).toBe(426);
  expect(JSON.parse(text)).toEqual({
    message: "Upgrade required",
    detail: "/api/v2/watch speaks WebSocket or another upgraded protocol.",
  });
});

test("an offer of h2c is answered as an ordinary request, also where upgrades are taken", async () => {
  const offer = "Host: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA";
  const answer = await raw([
    `GET /api/v2/users HTTP/1.1\r\n${offer}\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\r\n`,
  ]);
  expect(answer).toMatch(/^HTTP\/1.1 200 OK[^]*api \/api\/v2\/users/);
});

test("where nothing stands the answer is 404 in JSON, for requests and upgrades", async () => {
  const bare = await startListener(scope);
  const response = await fetch(`http://${bare.address}/nowhere`);
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({
    message: "Not found",
    detail: "There is nothing at /nowhere on this server.",
  });
  await expect(openWebSocket(`http://${bare.address}/nowhere`)).rejects.toMatchObject({
    code: "not_found",
    message: "Not found",
  });
});

test("until everything is mounted the answer is 503, which clients try again", async () => {
  const starting = await startListener(scope, { starting: true });
  starting.upgrade("/*", (_request, socket) => void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
  const response = await fetch(`http://${starting.address}/soon`);
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  starting.http("/soon", (_request, answer) => answer.end("here"));
  expect((await fetch(`http://${starting.address}/soon`)).status).toBe(200);
  starting.settled();
  expect((await fetch(`http://${starting.address}/never`)).status).toBe(426);
});

test("the same path twice is a mistake of ours", () => {
  expect(() => listener.http("/api/v2/*", () => undefined)).toThrow("mounting /api/v2/*: it is taken");
});

test("where only HTTP/1.1 passes, gRPC goes inside a WebSocket by itself", async () => {
  const proxy = await startHttp1Proxy(scope, listener.port);
  using client = connect(echo, { targets: [`http://127.0.0.1:${proxy.port}`] });
  expect(await client.say("inside")).toBe("inside");
  const chat = client.chat();
  for (const word of ["a", "b", "c"]) chat.send(word);
  chat.end();
  expect(await Array.fromAsync(chat)).toEqual(["a!", "b!", "c!"]);
  const long = "x".repeat(1 << 20);
  expect(await client.say(long)).toBe(long);
  expect(proxy.upgrades()).toBe(1);
});

test("an access URL that is nobody's names both ways that were tried", async () => {
  using client = connect(echo, { targets: ["http://127.0.0.1:1"] });
  await expect(client.say("x", { deadlineMs: 500 })).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(
      /http:\/\/127\.0\.0\.1:1 cannot be reached: .*inside a WebSocket: /,
    ) as string,
  });
});

test("a handler that throws is a 500 in JSON and a line in the log", async () => {
  listener.http("/broken", () => {
    throw new Error("null pointer");
  });
  expect(await get("/broken")).toEqual({ status: 500, text: '{"message":"Internal error","detail":""}' });
  expect(JSON.stringify(listener.lines)).toContain("null pointer");
});

test("a request's handler runs inside the trace that the request names", async () => {
  listener.http("/traced", (_request, response) => response.end(currentTraceparent()));
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  expect((await get("/traced", { headers: { traceparent } })).text).toContain("a".repeat(32));
});
