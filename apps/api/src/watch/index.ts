import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { acceptWebSocket, refuseUpgrade, type Mount, type WebSocketConnection } from "@berth/rpc";
import { isUuid } from "@berth/std";
import type { EdgeContext } from "../edge-context.ts";
import { Problem, notFound, problemOf } from "../http/problem.ts";
import { newRequestId } from "../http/bind.ts";
import { requestUrl } from "../http/request-url.ts";
import type { WatchFrame } from "./frames.ts";
import {
  type FollowerAccess,
  type Following,
  type FoundRoute,
  findEventStream,
  findFollower,
} from "./follower-routes.ts";

// Close codes, by which public clients decide whether to come back: 1000 when there is nothing more to come, 1012 when this
// replica leaves, 1011 when it failed. 1001 is never sent: clients take it for the end.

const PING_MS = 15_000;

export type { FollowerAccess } from "./follower-routes.ts";

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
      const found = request.method === "GET" ? findEventStream(requestUrl(request).pathname) : undefined;
      if (found === undefined) return false;
      void answerEvents(edge, access, found, request, response);
      return true;
    },
  };
}

async function open<Sent>(
  edge: EdgeContext,
  access: FollowerAccess,
  { route, open, id }: FoundRoute<Sent>,
  request: IncomingMessage,
): Promise<Following<Sent>> {
  if (edge.signal.aborted) throw new Problem(503, "This replica is leaving; ask again.");
  const viewer = await access.admit(request, route.permission);
  if (!isUuid(id)) throw notFound();
  return open({ edge, access, viewer, id: id.toLowerCase(), query: requestUrl(request).searchParams });
}

async function answerUpgrade(
  edge: EdgeContext,
  access: FollowerAccess,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const path = requestUrl(request).pathname;
  try {
    const found = findFollower(path);
    if (found === undefined) throw new Problem(404, `There is nothing to follow at ${path}.`);
    const following = await open(edge, access, found, request);
    const connection = acceptWebSocket(request, socket, head);
    if (connection !== undefined) await sendAll(edge, connection, following);
  } catch (error) {
    const { status, headers, body } = refusalOf(edge, path, error);
    refuseUpgrade(socket, status, body.message, { ...body, headers });
  }
}

function refusalOf(edge: EdgeContext, path: string, error: unknown): Problem {
  const problem = problemOf(error);
  if (problem !== undefined) return problem;
  edge.log.error("a follower could not be served", { path, error });
  return new Problem(500, "Something failed here: the server's log says what.");
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
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader("x-coder-request-id", newRequestId());
  try {
    const following = await open(edge, access, found, request);
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
    });
    await writeEvents(edge, following, response);
  } catch (error) {
    const { status, headers, body } = refusalOf(edge, requestUrl(request).pathname, error);
    if (!response.headersSent) {
      response.writeHead(status, {
        "content-type": "application/json; charset=utf-8",
        "cache-control": "no-store",
        ...headers,
      });
      response.write(JSON.stringify(body));
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
  if (response.closed) return; // left while it was let in: nothing would tell any more
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
