import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { CodedError, type ErrorCode } from "@berth/std";
import WebSocket, { WebSocketServer, createWebSocketStream } from "ws";
import { keepAlive } from "./websocket-beat.ts";
import { type WebSocketClosed, type WebSocketConnection, wrapWebSocket } from "./websocket-connection.ts";

const handshakes = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false, // it costs memory per connection, and what is sent here is small or sealed
  clientTracking: false,
  maxPayload: 16 << 20,
  handleProtocols: (offered) => [...offered][0] ?? false,
});

/** Who owns an upgraded socket, so that the listener's drain can say goodbye on it. */
const owners = new WeakMap<Duplex, WebSocketConnection | WebSocket>();

/**
 * Answers a WebSocket handshake on an upgraded socket. A request that is none is refused with 400 and answers undefined.
 * `protocol` is chosen among those offered; without it the first offered is.
 */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: { readonly protocol?: string } = {},
): WebSocketConnection | undefined {
  const accepted = handshake(request, socket, head, options.protocol);
  if (accepted === undefined) return undefined;
  keepAlive(accepted);
  const connection = wrapWebSocket(accepted);
  owners.set(socket, connection);
  return connection;
}

/** The same as a stream of bytes. */
export function acceptWebSocketStream(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string,
): Duplex | undefined {
  const accepted = handshake(request, socket, head, protocol);
  if (accepted === undefined) return undefined;
  keepAlive(accepted);
  return streamOf(accepted);
}

/** Closes the WebSocket that lives on an upgraded socket, if one does, and waits for the answer a little. */
export async function closeWebSocketOf(socket: Duplex, code: number, reason: string): Promise<void> {
  const owner = owners.get(socket);
  if (owner === undefined || owner instanceof WebSocket) return;
  owner.close(code, reason);
  await owner.closed;
}

/** How to open a WebSocket. */
export interface OpenWebSocketOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocol?: string;
  readonly signal?: AbortSignal;
  readonly handshakeMs?: number;
}

/**
 * Opens a WebSocket (`http(s):` URLs are taken for `ws(s):`).
 * @throws CodedError with the code that the server's HTTP status means and the message of its answer
 */
export function openWebSocket(
  url: string | URL,
  options: OpenWebSocketOptions = {},
): Promise<WebSocketConnection> {
  return dialWebSocket(url, options, wrapWebSocket);
}

/** The same as a stream of bytes. */
export function openWebSocketStream(url: string | URL, options: OpenWebSocketOptions = {}): Promise<Duplex> {
  return dialWebSocket(url, options, streamOf);
}

function handshake(request: IncomingMessage, socket: Duplex, head: Buffer, protocol: string | undefined) {
  const accepted: WebSocket[] = [];
  if (protocol !== undefined && request.headers["sec-websocket-protocol"] !== undefined)
    request.headers["sec-websocket-protocol"] = protocol; // the one that handleProtocols then takes
  handshakes.handleUpgrade(request, socket, head, (made) => accepted.push(made)); // calls back at once, or refuses
  return accepted[0];
}

/** `wrap` is called inside the open event: the first message may come with the handshake. */
function dialWebSocket<T>(
  url: string | URL,
  options: OpenWebSocketOptions,
  wrap: (socket: WebSocket) => T,
): Promise<T> {
  const address = new URL(url);
  address.protocol = address.protocol.replace("http", "ws");
  const dialed = new WebSocket(address, options.protocol === undefined ? [] : [options.protocol], {
    headers: { ...options.headers },
    perMessageDeflate: false,
    handshakeTimeout: options.handshakeMs ?? 30_000,
  });
  return new Promise((resolve, reject) => {
    const fail = (error: CodedError) => {
      options.signal?.removeEventListener("abort", abort);
      dialed.on("error", () => undefined); // what ends now has been told
      dialed.terminate();
      reject(error);
    };
    const abort = () => fail(new CodedError("cancelled", `opening ${address.href}: given up`));
    options.signal?.addEventListener("abort", abort);
    dialed.once("open", () => {
      options.signal?.removeEventListener("abort", abort);
      dialed.removeAllListeners();
      resolve(wrap(dialed));
    });
    dialed.once("error", (cause) =>
      fail(new CodedError("unavailable", `opening ${address.href}: ${cause.message}`, { cause })),
    );
    dialed.once("unexpected-response", (_request, response) => {
      void refusal(address, response).then(fail);
    });
    if (options.signal?.aborted === true) abort();
  });
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "failed_precondition",
  412: "failed_precondition",
  426: "unimplemented",
  429: "resource_exhausted",
};

async function refusal(address: URL, response: IncomingMessage): Promise<CodedError> {
  const status = response.statusCode ?? 0;
  const chunks = await response
    .take(64)
    .toArray()
    .catch(() => []); // a body that breaks off says no more than the status
  const said = messageIn(Buffer.concat(chunks as Buffer[]).toString());
  const code = CODES[status] ?? "unavailable";
  return new CodedError(code, said ?? `opening ${address.href}: the server answered ${status}`, {
    fields: { status },
  });
}

function messageIn(body: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(body);
    if (typeof answer !== "object" || answer === null || !("message" in answer)) return undefined;
    return typeof answer.message === "string" ? answer.message : undefined;
  } catch {
    return undefined; // not JSON: a proxy's page
  }
}

function streamOf(socket: WebSocket): Duplex {
  const stream = createWebSocketStream(socket);
  stream.on("error", () => undefined); // a broken connection is seen by whoever reads: the stream closes
  return stream;
}

export type { WebSocketClosed, WebSocketConnection };
