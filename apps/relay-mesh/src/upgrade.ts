import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { PROTOCOL_VERSION } from "@berth/derp";
import { type Mount, acceptWebSocket } from "@berth/rpc";
import { serve } from "./handshake.ts";
import type { Relay } from "./relay.ts";
import { SocketStream, WebSocketStream } from "./transport.ts";

const NOTHING = Buffer.alloc(0);

/** Puts the relay's paths onto the listener. While `isAccepting` is false, clients are sent to another backend (503). */
export function mountRelay(mount: Mount, relay: Relay, isAccepting: () => boolean): void {
  mount.upgrade("/derp", (request, socket, head) => {
    if (isAccepting()) upgrade(relay, request, socket, head);
    else refuse(socket, "503 Service Unavailable", "this relay is draining\n");
  });
  for (const path of ["/derp", "/derp/*"]) mount.http(path, demandUpgrade);
  for (const path of ["/derp/probe", "/derp/latency-check"]) mount.http(path, answerProbe);
}

function upgrade(relay: Relay, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const wanted = (request.headers.upgrade ?? "").toLowerCase();
  const protocols = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  if (wanted === "websocket" && protocols.includes("derp")) {
    serveWebSocket(relay, request, socket, head);
    return;
  }
  // A WebSocket without the sub-protocol is a very old client that speaks raw DERP.
  if (wanted !== "derp" && wanted !== "websocket") {
    refuse(socket, "426 Upgrade Required", "DERP requires connection upgrade\n");
    return;
  }
  const fast = request.headers["derp-fast-start"] === "1"; // it knows our key: no HTTP reply at all
  serve(relay, new SocketStream(socket, head), fast ? NOTHING : switching(relay));
}

function serveWebSocket(relay: Relay, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const connection = acceptWebSocket(request, socket, head, { protocol: "derp" });
  if (connection !== undefined) serve(relay, new WebSocketStream(connection), NOTHING);
}

function switching(relay: Relay): Buffer {
  return Buffer.from(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n" +
      `Derp-Version: ${PROTOCOL_VERSION}\r\nDerp-Public-Key: ${relay.keys.publicKey.toString("hex")}\r\n\r\n`,
  );
}

function refuse(socket: Duplex, status: string, text: string): void {
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
  );
}

function demandUpgrade(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { "content-type": "text/plain" }).end("DERP requires connection upgrade\n");
}

/** Clients time this to find their nearest relay. */
function answerProbe(request: IncomingMessage, response: ServerResponse): void {
  const known = request.method === "GET" || request.method === "HEAD";
  response.writeHead(known ? 200 : 405, { "access-control-allow-origin": "*", "content-length": 0 }).end();
}
