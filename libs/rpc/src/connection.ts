import { type Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import { CodedError } from "@berth/std";
import { currentTraceparent } from "@berth/telemetry";
import { PROOF, handshake } from "./handshake.ts";
import type { CallOptions, ConnectOptions } from "./method.ts";
import { newNonce, proveKey } from "./proof.ts";
import { Route } from "./route.ts";
import { errorOf } from "./status.ts";

/** What a call needs once the way is known. */
export interface Opened {
  readonly client: GrpcClient;
  readonly metadata: Metadata;
  readonly route: Route;
}

/** The targets of one client: calls go to one of them until it fails, then to the next. */
export class Connection implements Disposable {
  readonly #routes: readonly Route[];
  readonly #options: ConnectOptions;
  readonly #closing = new AbortController();
  #current = 0;

  constructor(options: ConnectOptions) {
    if (options.targets.length === 0)
      throw new CodedError("invalid_argument", "connecting: no target was given");
    this.#routes = options.targets.map((target) => new Route(target, options));
    this.#options = options;
  }

  /** Aborted when the client is disposed: its calls end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get targetCount(): number {
    return this.#routes.length;
  }

  /** The way for a call, its headers, the trace that it belongs to, and the proof if a key was given. */
  async open(path: string, options: CallOptions, deadline: number | undefined): Promise<Opened> {
    const traceparent = currentTraceparent(); // before anything is awaited
    const route = this.#route();
    try {
      const client = await route.client();
      const metadata = new Metadata();
      const headers = { ...this.#options.headers, ...options.headers };
      for (const [name, value] of Object.entries(headers)) setHeader(metadata, name, value);
      if (traceparent !== undefined) metadata.set("traceparent", traceparent);
      const key = this.#options.deploymentKey;
      if (key !== undefined) metadata.set(PROOF, await this.#prove(client, key, path, deadline, route));
      return { client, metadata, route };
    } catch (error) {
      if (isWayError(error)) this.failed(route);
      throw error;
    }
  }

  /** The next call goes to the next target. */
  failed(route: Route, client?: GrpcClient): void {
    route.failed(client);
    this.#next(route);
  }

  /** Nothing was heard from there: the connection may be frozen. The next call dials anew, at the next target. */
  suspect(route: Route, client: GrpcClient): void {
    route.leave(client);
    this.#next(route);
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    for (const route of this.#routes) route[Symbol.dispose]();
  }

  #next(after: Route): void {
    if (this.#route() === after) this.#current = (this.#current + 1) % this.#routes.length;
  }

  #route(): Route {
    const route = this.#routes[this.#current];
    if (route === undefined) throw new Error("connecting: the target's index is out of range");
    return route;
  }

  async #prove(
    client: GrpcClient,
    key: Buffer,
    path: string,
    deadline: number | undefined,
    route: Route,
  ): Promise<string> {
    const nonce = newNonce();
    const { path: challenge, requestSerialize, responseDeserialize } = handshake.challenge;
    const until = Math.min(deadline ?? Infinity, Date.now() + 30_000);
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const answered = (error: ServiceError | null, bytes?: Buffer) => {
        if (error === null && bytes !== undefined) resolve(bytes);
        else if (error !== null) reject(errorOf(error, route.target.name));
      };
      client.makeUnaryRequest(
        challenge,
        requestSerialize,
        responseDeserialize,
        nonce,
        { deadline: until },
        answered,
      );
    });
    return proveKey(key, path, nonce, answer);
  }
}

/** The value is not shown: most are tokens. */
function setHeader(metadata: Metadata, name: string, value: string): void {
  if (!/^[\x20-\x7e]*$/.test(value))
    throw new CodedError("invalid_argument", `the value of ${name} has characters that cannot be sent`);
  metadata.set(name, value);
}

/** Whether the fault lies on the way to the target rather than in the request. */
export function isWayError(error: unknown): boolean {
  return error instanceof CodedError && error.code === "unavailable";
}
