import { Client as GrpcClient, type ServiceError, credentials } from "@grpc/grpc-js";
import { CodedError, messageOf, sleep } from "@berth/std";
import { type Bridge, openBridge } from "./bridge.ts";
import { handshake } from "./handshake.ts";
import type { ConnectOptions } from "./method.ts";
import { errorOf } from "./status.ts";
import { type Target, readTarget } from "./target.ts";
import { tlsCredentials } from "./tls-credentials.ts";

/** How long the first way is tried alone before the second is tried beside it, and how long both may take (slow links). */
const HEAD_START_MS = 4_000;
const REACH_MS = 30_000;

/**
 * The way to one target. For access URLs it finds out, with a call, whether HTTP/2 passes end to end: a proxy in between may
 * speak it at its front and HTTP/1.1 behind. Where it does not, the same bytes go inside a WebSocket.
 */
export class Route implements Disposable {
  readonly target: Target;
  readonly #options: ConnectOptions;
  #way: Promise<Way> | undefined;
  #client: GrpcClient | undefined;
  #usedWebSocket = false;
  #closed = false;

  constructor(target: string, options: ConnectOptions) {
    this.target = readTarget(target);
    this.#options = options;
  }

  /** A client whose calls pass. @throws CodedError unavailable when neither way does */
  async client(): Promise<GrpcClient> {
    if (this.#closed) throw new CodedError("cancelled", `connecting to ${this.target.name}: closed`);
    this.#way ??= this.#open();
    try {
      this.#client = (await this.#way).client;
      return this.#client;
    } catch (error) {
      this.#way = undefined;
      throw error;
    }
  }

  /** A call failed on the way: the next one looks for the way anew, if there is a choice. */
  failed(client: GrpcClient | undefined): void {
    if (this.target.url !== undefined) this.leave(client); // elsewhere grpc-js connects again by itself
  }

  /** The next call dials anew, unless the way is another by now; what is open goes on where it is. */
  leave(client: GrpcClient | undefined): void {
    if (client !== undefined && client !== this.#client) return;
    this.#way?.then(close, () => undefined); // one that never opened has been told to its caller
    this.#way = undefined;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.leave(undefined);
  }

  async #open(): Promise<Way> {
    const { url, name } = this.target;
    if (url === undefined) return { client: this.#dial(this.target.authority, this.target.secure) };
    const direct = () => this.#direct();
    const inside = () => this.#insideWebSocket(url);
    const [first, second] = this.#usedWebSocket ? [inside, direct] : [direct, inside];
    const way = await firstOf(first, second, name);
    this.#usedWebSocket = way.bridge !== undefined;
    return way;
  }

  async #direct(): Promise<Way> {
    return reach({ client: this.#dial(this.target.authority, this.target.secure) }, this.target.name);
  }

  async #insideWebSocket(url: URL): Promise<Way> {
    const bridge = await openBridge(url);
    const way = { client: this.#dial(bridge.authority, false), bridge };
    return reach(way, this.target.name).catch((error: unknown) => {
      throw bridge.failure() ?? error;
    });
  }

  #dial(authority: string, secure: boolean): GrpcClient {
    return new GrpcClient(
      authority,
      secure ? tlsCredentials(this.target.url?.hostname ?? "") : credentials.createInsecure(),
      optionsOf(this.#options, this.target),
    );
  }
}

interface Way {
  readonly client: GrpcClient;
  readonly bridge?: Bridge;
}

function close(way: Way): void {
  way.client.close();
  void way.bridge?.[Symbol.asyncDispose]();
}

/** The way, once a call has passed on it. */
function reach(way: Way, name: string): Promise<Way> {
  const { path, requestSerialize, responseDeserialize } = handshake.reach;
  const options = { deadline: Date.now() + REACH_MS };
  return new Promise((resolve, reject) => {
    const answered = (error: ServiceError | null) => {
      if (error === null) return resolve(way);
      close(way);
      reject(errorOf(error, name));
    };
    way.client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.alloc(0),
      options,
      answered,
    );
  });
}

/** The first way, or the second when the first fails or takes long. The slower of two that pass is closed. */
async function firstOf(first: () => Promise<Way>, second: () => Promise<Way>, name: string): Promise<Way> {
  const impatient = new AbortController();
  const one = first();
  const failed = one.then(
    () => new Promise<never>(() => undefined), // it passed: there is nothing to wait for here
    () => undefined,
  );
  const two = Promise.race([failed, sleep(HEAD_START_MS, impatient.signal)]).then(() =>
    impatient.signal.aborted ? one : second(),
  );
  try {
    const way = await Promise.any([one, two]);
    for (const other of [one, two])
      other.then(
        (late) => late !== way && close(late),
        () => undefined,
      );
    return way;
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors.map(messageOf) : [messageOf(error)];
    throw new CodedError(
      "unavailable",
      `${name} cannot be reached: ${reasons.join("; inside a WebSocket: ")}`,
      {
        cause: error,
      },
    );
  } finally {
    impatient.abort();
  }
}

function optionsOf(options: ConnectOptions, target: Target): Record<string, string | number> {
  return {
    // A client of its own connection is never stuck on one that another has found frozen.
    "grpc.use_local_subchannel_pool": options.ownConnection === false ? 0 : 1,
    "grpc.enable_retries": 0, // retries have one place: unary.ts
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.dns_min_time_between_resolutions_ms": 1_000,
    "grpc.max_receive_message_length": 64 << 20,
    // of several addresses behind a name, not always the first: callers that dial anew then meet another replica
    "grpc.service_config": JSON.stringify({
      loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }],
    }),
    "grpc.enable_http_proxy": target.url === undefined ? 0 : 1, // between replicas there is no company proxy
    ...(options.receiveWindowBytes === undefined
      ? {}
      : { "grpc-node.flow_control_window": options.receiveWindowBytes }),
  };
}
