import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Definition, Handlers } from "./method.ts";

/** Who may call a gRPC service: strangers with credentials of their own, or processes that prove the deployment key. */
export type Audience = "public" | "internal";

/** What a request's socket becomes after an upgrade; `head` holds bytes that came with the request. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * What a service may put onto the process's one listener. It never opens a port itself, so several live in one process.
 * Paths are exact or end in `/*`; the longest match wins.
 */
export interface Mount {
  /** Plain HTTP/1.1 under a path; `/*` is whatever nobody else took. */
  http(path: string, handler: (request: IncomingMessage, response: ServerResponse) => void): void;
  /** `Upgrade: …` requests under a path. The handler answers the handshake itself (WebSocket and DERP differ). */
  upgrade(path: string, handler: UpgradeHandler): void;
  /** A gRPC service. Its calls are counted, traced, timed, and drained by the listener. */
  grpc<D extends Definition>(definition: D, handlers: Handlers<D>, audience: Audience): void;
}
