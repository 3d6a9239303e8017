import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { acceptWebSocket, type WebSocketConnection } from "@berth/rpc";

/** What a request is answered with: a status and a body. */
export type Answer = readonly [status: number, body: unknown];

/** The control plane as one command sees it: it answers what the test says, and remembers what it was asked. */
export class SmallPlane implements AsyncDisposable {
  readonly asked: {
    readonly what: string;
    readonly body: string;
    readonly headers: IncomingMessage["headers"];
  }[] = [];
  /** What it says of its version, if anything. */
  version: string | undefined;
  readonly #server: Server;
  readonly #answers = new Map<string, (body: string) => Answer>();
  readonly #streams = new Map<string, (socket: WebSocketConnection) => void>();

  private constructor() {
    this.#server = createServer((request, response) => {
      void textOf(request).then((body) => {
        const what = `${request.method ?? ""} ${new URL(request.url ?? "", "http://plane").pathname}`;
        this.asked.push({ what, body, headers: request.headers });
        const [status, answer] = this.#answers.get(what)?.(body) ?? [404, { message: "not here" }];
        if (this.version !== undefined) response.setHeader("x-coder-build-version", this.version);
        response.writeHead(status, { "content-type": "application/json" });
        response.end(status === 204 ? undefined : JSON.stringify(answer));
      });
    });
    this.#server.on("upgrade", (request: IncomingMessage, socket, head: Buffer) => {
      const accepted = acceptWebSocket(request, socket, head);
      if (accepted === undefined) return;
      this.#streams.get(new URL(request.url ?? "", "http://plane").pathname)?.(accepted);
    });
  }

  static async start(): Promise<SmallPlane> {
    const plane = new SmallPlane();
    plane.#server.listen(0, "127.0.0.1");
    await once(plane.#server, "listening");
    return plane.on("GET /api/v2/buildinfo", () => [200, { version: "v2.99.0" }]);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers `METHOD /path` so. */
  on(what: string, answer: (body: string) => Answer): this {
    this.#answers.set(what, answer);
    return this;
  }

  /** Hands over each WebSocket that is opened there. */
  onStream(path: string, take: (socket: WebSocketConnection) => void): this {
    this.#streams.set(path, take);
    return this;
  }

  wasAsked(what: string): boolean {
    return this.asked.some((each) => each.what === what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
}
