import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type Logger, withSpan } from "@berth/telemetry";
import type { UpgradeHandler } from "./mount.ts";
import { OpenCalls } from "./open-calls.ts";
import { Routes, pathOf } from "./routes.ts";

type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** What HTTP/1.1 requests meet: routes, upgrades, and honest answers where nothing stands. */
export class HttpSide {
  readonly http = new Routes<HttpHandler>();
  readonly upgrades = new Routes<UpgradeHandler>();
  readonly open = new OpenCalls();
  /** Sockets that became something else. */
  readonly upgraded = new Set<Duplex>();
  readonly #log: Logger;
  /** While set, what nobody serves may be served in a moment: clients take 404 for final. */
  starting = false;
  /** Once set, every answer asks its client to connect anew for the next request. */
  leaving = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Node asks whether to treat a request as an upgrade; an offer that nobody takes up (`h2c`) is an ordinary request. */
  readonly takesUpgrade = (request: IncomingMessage): boolean =>
    request.headers.upgrade?.toLowerCase() !== "h2c" && this.upgrades.find(pathOf(request.url)) !== undefined;

  readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const handler = this.upgrades.find(pathOf(request.url))?.value;
    if (handler === undefined) return void socket.destroy(); // takesUpgrade has found it a moment ago
    this.upgraded.add(socket);
    socket.on("close", () => this.upgraded.delete(socket));
    socket.on("error", (error) => this.#log.debug("upgraded connection broke", { error }));
    try {
      handler(request, socket, head);
    } catch (error) {
      this.#log.error("upgrade failed", { path: pathOf(request.url), error });
      refuseUpgrade(socket, 500, "the upgrade failed");
    }
  };

  readonly onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    response.on("close", this.open.enter());
    if (this.leaving) response.setHeader("connection", "close");
    const path = pathOf(request.url);
    const route = this.http.find(path);
    if (route === undefined && this.starting) {
      response.setHeader("retry-after", "1");
      return answer(response, 503, "This replica is starting", "Try again in a moment.");
    }
    const upgrade = this.upgrades.find(path);
    if (upgrade !== undefined && upgrade.length > (route?.length ?? 0)) {
      response.setHeader("upgrade", "websocket");
      return answer(
        response,
        426,
        "Upgrade required",
        `${path} speaks WebSocket or another upgraded protocol.`,
      );
    }
    if (route === undefined)
      return answer(response, 404, "Not found", `There is nothing at ${path} on this server.`);
    const handle = () => this.#handle(path, route.value, request, response);
    void withSpan("http.request", handle, { traceparent: request.headers["traceparent"]?.toString() });
  };

  /** Resolves when the answer is out, or broken off. */
  #handle(path: string, handler: HttpHandler, request: IncomingMessage, response: ServerResponse) {
    const closed = new Promise((resolve) => response.on("close", resolve));
    try {
      handler(request, response);
    } catch (error) {
      this.#log.error("request failed", { path, error });
      if (response.headersSent) response.destroy();
      else answer(response, 500, "Internal error", "");
    }
    return closed;
  }
}

/** An error in the shape of the public API. */
function answer(response: ServerResponse, status: number, message: string, detail: string): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify({ message, detail }));
}

/** Answers an upgrade request with an error, in the public API's shape, and closes the connection. */
export function refuseUpgrade(
  socket: Duplex,
  status: number,
  message: string,
  { detail = "", headers = {} }: RefusalOptions = {},
): void {
  const body = JSON.stringify({ message, detail });
  const head = Object.entries({
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\n${head.join("")}\r\n${body}`);
}

/** What a refusal may say beside its message. */
export interface RefusalOptions {
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
