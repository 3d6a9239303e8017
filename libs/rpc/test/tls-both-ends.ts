import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { Scope } from "@berth/std";
import { acceptWebSocket, connect, openWebSocket } from "../src/index.ts";
import { readAll } from "./proxies.ts";
import { tlsCredentials } from "../src/tls-credentials.ts";
import { echo, echoHandlers, startListener } from "./echo.ts";

// Run by tls.test.ts with NODE_EXTRA_CA_CERTS: a listener with TLS and every kind of client, and what each heard.

const [, , cert = "", key = ""] = process.argv;
const tls = { cert: readFileSync(cert), key: readFileSync(key) };
await using scope = new Scope();
const listener = await startListener(scope, { tls });
const base = `https://localhost:${listener.port}`;
listener.grpc(echo, echoHandlers, "public");
listener.http("/hello", (_request, response) => response.end("hello"));
listener.upgrade("/watch", (incoming, socket, head) => {
  acceptWebSocket(incoming, socket, head)?.send("echo");
});

using byAddress = connect(echo, { targets: [`https://127.0.0.1:${listener.port}`] });
using client = connect(echo, { targets: [base] });
using inside = connect(echo, { targets: [base.replace("https", "http")] });
using own = connect(echo, { targets: [listener.ownTarget] });
const socket = await openWebSocket(`${base}/watch`);
const plain = await inside.say("x", { deadlineMs: 300 }).catch(() => "refused");

process.stdout.write(
  JSON.stringify({
    byAddress: await byAddress.say("sealed"),
    byAnotherAddress: await reach("127.0.0.2"), // the certificate is not for it
    grpc: await client.say("sealed"),
    http: await getText(),
    websocket: await firstOf(socket.messages),
    insideWebSocket: await throughWebSocket(),
    ownSocket: await own.say("sealed"),
    plain,
  }),
);
socket.close();

/** As grpc-js would, to the listener, for a server that says it is at this address. */
async function reach(address: string): Promise<string> {
  const connector = tlsCredentials(address)._createSecureConnector({ scheme: "dns", path: address }, {});
  const opened = connector.connect(connectTcp(listener.port, "127.0.0.1"));
  return opened.then(
    ({ secure }) => `secure: ${secure}`,
    (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : ""),
  );
}

async function firstOf<T>(messages: AsyncIterable<T>): Promise<T | undefined> {
  for await (const message of messages) return message;
  return undefined;
}

function getText(): Promise<string> {
  return new Promise((resolve, reject) => {
    request(`${base}/hello`, { agent: false }, (response) => void readAll(response).then(resolve))
      .on("error", reject)
      .end();
  });
}

/** A front that ends TLS with HTTP/1.1 only: here one that offers no h2, so that the way inside a WebSocket is taken. */
async function throughWebSocket(): Promise<string> {
  const { createServer } = await import("node:https");
  const front = createServer({
    cert: readFileSync(cert),
    key: readFileSync(key),
    ALPNProtocols: ["http/1.1"],
  });
  front.on("upgrade", (incoming: IncomingMessage, local) => {
    const onward = request({
      port: listener.port,
      host: "localhost",
      path: incoming.url,
      headers: incoming.headers,
    });
    onward.on("upgrade", (answer, remote) => {
      const headers = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`);
      local.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join("\r\n")}\r\n\r\n`);
      local.pipe(remote).pipe(local);
      for (const end of [local, remote]) end.on("error", () => undefined);
    });
    onward.end();
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  const address = front.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  using fallen = connect(echo, { targets: [`https://127.0.0.1:${port}`] });
  const answer = await fallen.say("sealed");
  front.close();
  front.closeAllConnections();
  return answer;
}
