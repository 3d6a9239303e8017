import { type Server, createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket } from "node:net";
import type { Logger, Metrics } from "@berth/telemetry";
import { GrpcSide } from "./grpc-side.ts";
import { WEBSOCKET_PATH, WEBSOCKET_PROTOCOL } from "./handshake.ts";
import { HttpSide, refuseUpgrade } from "./http-side.ts";
import type { Mount } from "./mount.ts";
import { divertHttp2 } from "./sniff.ts";
import { type ListenAddress, listenOn, listenOwn } from "./sockets.ts";
import { acceptWebSocketStream, closeWebSocketOf } from "./websocket.ts";

/** What a listener needs. */
export interface ListenerOptions {
  readonly address: ListenAddress;
  /** PEM; with it the TCP port speaks TLS and ALPN decides between HTTP/2 and HTTP/1.1. The own socket never does. */
  readonly tls?: { readonly cert: Buffer | string; readonly key: Buffer | string };
  /** Folder for the own socket, made 0700. */
  readonly folder: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** More will be mounted: until `settled` is called, a path that nobody serves is answered 503, which clients try again. */
  readonly starting?: boolean;
}

/**
 * One TCP port and one Unix socket for HTTP/1.1, WebSocket, `Upgrade: DERP` and gRPC. It leaves in this order: `announceLeave`
 * (answers ask clients to connect anew), `askToMove` (streams are told), `drain` (nothing new; waits), `close`.
 */
export interface Listener extends Mount, AsyncDisposable {
  /** `host:port`, with the port that was taken. */
  readonly address: string;
  readonly port: number;
  /** `unix:<path>` of the own socket. */
  readonly ownTarget: string;
  /** The deployment key; calls of internal services answer UNAVAILABLE before. */
  trust(deploymentKey: Buffer): void;
  /** Everything is mounted: from here on a path that nobody serves is 404. */
  settled(): void;
  announceLeave(): void;
  askToMove(): void;
  /** Resolves when every request and call has ended, or after `ms`. WebSockets still open are closed with 1012. */
  drain(ms: number): Promise<void>;
  /** Ends what is still open. */
  close(): Promise<void>;
}

/**
 * Binds the port and the socket at once; what is mounted afterwards is served from then on.
 * @throws ConfigError when the address cannot be listened on
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { log, metrics, address, tls } = options;
  const http = new HttpSide(log);
  http.starting = options.starting ?? false;
  const grpc = new GrpcSide(log, metrics);
  const connections = new Set<Socket>();
  const outer = makeServer(http, grpc, connections, tls);
  const own = makeServer(http, grpc, connections);
  await listenOn(outer, address);
  const socket = await listenOwn(own, options.folder).catch((error: unknown) => {
    outer.close();
    throw error;
  });
  mountGrpcInWebSocket(http, grpc);
  const bound = outer.address();
  const port = bound === null || typeof bound === "string" ? address.port : bound.port;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const stopListening = () => {
    for (const server of [outer, own]) {
      server.close();
      server.closeIdleConnections();
    }
  };
  const close = async () => {
    stopListening();
    grpc.close();
    for (const open of [...http.upgraded, ...connections]) open.destroy();
    await socket.remove();
  };
  return {
    address: `${host}:${port}`,
    port,
    ownTarget: `unix:${socket.path}`,
    trust: (key) => grpc.keys.trust(key),
    http: (path, handler) => http.http.add(path, handler),
    upgrade: (path, handler) => http.upgrades.add(path, handler),
    grpc: (definition, handlers, audience) => grpc.serve(definition, handlers, audience),
    settled: () => void (http.starting = false),
    announceLeave: () => void (http.leaving = true),
    askToMove: () => grpc.askToMove(),
    async drain(ms) {
      http.leaving = true;
      stopListening();
      const websockets = [...http.upgraded].map((upgraded) => closeWebSocketOf(upgraded, 1012, "restarting"));
      await Promise.all([grpc.drain(ms), http.open.idleWithin(ms), ...websockets]);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Longer than balancers keep idle connections, or they send a request into one that is just being closed. */
const KEEP_ALIVE = { keepAliveTimeout: 75_000, headersTimeout: 80_000 };

/** A peer that vanished without a word is found out by the kernel, where nothing above has beats: idle HTTP/2 connections. */
const PROBES = { keepAlive: true, keepAliveInitialDelay: 30_000 };

function makeServer(
  http: HttpSide,
  grpc: GrpcSide,
  connections: Set<Socket>,
  tls?: ListenerOptions["tls"],
): Server {
  const options = { shouldUpgradeCallback: http.takesUpgrade, noDelay: true, ...KEEP_ALIVE, ...PROBES };
  const server = tls
    ? createSecureServer({ ...options, ...tls, ALPNProtocols: ["h2", "http/1.1"] }, http.onRequest)
    : createServer(options, http.onRequest);
  server.on("upgrade", http.onUpgrade);
  divertHttp2(server, tls ? "secureConnection" : "connection", (socket) => grpc.inject(socket));
  server.prependListener("connection", (socket: Socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  return server;
}

/** For balancers and proxies that pass HTTP/1.1 only: the same HTTP/2 bytes inside a WebSocket. */
function mountGrpcInWebSocket(http: HttpSide, grpc: GrpcSide): void {
  http.upgrades.add(WEBSOCKET_PATH, (request, socket, head) => {
    const offered = request.headers["sec-websocket-protocol"] ?? "";
    if (!offered.split(/\s*,\s*/).includes(WEBSOCKET_PROTOCOL))
      return refuseUpgrade(socket, 400, `the sub-protocol ${WEBSOCKET_PROTOCOL} must be offered`);
    const stream = acceptWebSocketStream(request, socket, head, WEBSOCKET_PROTOCOL);
    if (stream !== undefined) grpc.inject(stream);
  });
}
