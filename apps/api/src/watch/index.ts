import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { acceptWebSocket, refuseUpgrade, type Mount, type WebSocketConnection } from "@berth/rpc";
import type { EdgeContext } from "../edge-context.ts";
import type { FollowerAccess } from "./access.ts";
import type { WatchFrame } from "./frames.ts";
import { findEventStream, findFollower, type Following, type FoundRoute } from "./follower-routes.ts";
import { refusalOf } from "./refusal.ts";

// Close codes, by which public clients decide whether to come back: 1000 when there is nothing more to come, 1012 when this
// replica leaves, 1011 when it failed. 1001 is never sent: clients take it for the end.

const PING_MS = 15_000;

export type { FollowerAccess, Viewer } from "./access.ts";

/** Followers and watches of this replica. */
export interface Followers {
  /** Answers a plain request that asks for an event stream; false when it is somebody else's. */
  answerEventStream(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Puts the WebSocket followers onto the listener. */
export function serveFollowers(edge: EdgeContext, mount: Mount, access: FollowerAccess): Followers {
  mount.upgrade("/*", (request, socket, head) => void answerUpgrade(edge, access, request, socket, head));
  return {
    answerEventStream: (request, response) => {
      const url = new URL(request.url ?? "/", "http://local");
      const found = request.method === "GET" ? findEventStream(url.pathname) : undefined;
      if (found === undefined) return false;
      void answerEvents(edge, access, found, url, request, response);
      return true;
    },
  };
}

async function open<Sent>(
  edge: EdgeContext,
  access: FollowerAccess,
  found: FoundRoute<Sent>,
  url: URL,
  request: IncomingMessage,
): Promise<Following<Sent>> {
  const viewer = await access.viewerOf(request);
  return found.route.open({ edge, access, viewer, id: found.id.toLowerCase(), query: url.searchParams });
}

async function answerUpgrade(
  edge: EdgeContext,
  access: FollowerAccess,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://local");
  const found = findFollower(url.pathname);
  if (found === undefined)
    return refuseUpgrade(socket, 404, `There is nothing to follow at ${url.pathname}.`);
  if (edge.signal.aborted) return refuseUpgrade(socket, 503, "This replica is leaving; ask again.");
  try {
    const following = await open(edge, access, found, url, request);
    const connection = acceptWebSocket(request, socket, head);
    if (connection !== undefined) await sendAll(edge, connection, following);
  } catch (error) {
    const { status, message, detail } = refusalOf(error);
    if (status === 500) edge.log.error("a follower could not be served", { path: url.pathname, error });
    refuseUpgrade(socket, status, message, detail);
  }
}

async function sendAll(
  edge: EdgeContext,
  connection: WebSocketConnection,
  following: Following<unknown>,
): Promise<void> {
  const gone = new AbortController();
  void connection.closed.then(() => gone.abort());
  void discard(connection);
  const signal = AbortSignal.any([gone.signal, edge.signal]);
  try {
    for await (const message of following(signal)) {
      if (!connection.send(JSON.stringify(message))) await connection.writable();
      if (signal.aborted) break;
    }
    if (edge.signal.aborted) connection.close(1012, "this replica is leaving");
    else connection.close(1000);
  } catch (error) {
    edge.log.error("a follower failed", { error });
    connection.close(1011, "internal error");
  }
}

/** Followers have nothing to say. */
async function discard(connection: WebSocketConnection): Promise<void> {
  for await (const _ of connection.messages) continue;
}

async function answerEvents(
  edge: EdgeContext,
  access: FollowerAccess,
  found: FoundRoute<WatchFrame>,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const following = await open(edge, access, found, url, request);
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
    });
    await writeEvents(edge, following, response);
  } catch (error) {
    const { status, message, detail } = refusalOf(error);
    if (status === 500) edge.log.error("an event stream failed", { path: url.pathname, error });
    if (!response.headersSent) {
      response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
      response.write(JSON.stringify({ message, ...(detail !== undefined && { detail }) }));
    }
  }
  response.end();
}

async function writeEvents(
  edge: EdgeContext,
  following: Following<WatchFrame>,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const signal = AbortSignal.any([gone.signal, edge.signal]);
  const ping = setInterval(() => response.write("event: ping\n\n"), PING_MS);
  try {
    for await (const frame of following(signal)) {
      const text =
        frame.type === "data" ? `event: data\ndata: ${JSON.stringify(frame.data)}\n\n` : "event: ping\n\n";
      if (!response.write(text))
        await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
      if (signal.aborted) break;
    }
  } finally {
    clearInterval(ping);
  }
}
