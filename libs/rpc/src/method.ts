/** One rpc as generated from proto/. */
export interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: never) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly responseSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** A service as generated from proto/: `contract.registry.ReplicaRegistryServiceService`. */
export type Definition = Readonly<Record<string, Method>>;

type RequestOf<M> = M extends { requestDeserialize: (bytes: Buffer) => infer Request } ? Request : never;
type ResponseOf<M> = M extends { responseDeserialize: (bytes: Buffer) => infer Response } ? Response : never;

/** What every handler knows of its call. */
export interface Call {
  /** First value of a request header, lower-case names. */
  header(name: string): string | undefined;
  /** `host:port` of the peer; `unix` for a Unix socket and for gRPC inside a WebSocket, so it proves nothing. */
  readonly peer: string;
  /** Aborted when the caller has gone, its deadline is over, or the process closes. */
  readonly signal: AbortSignal;
  /** Aborted when the process begins to drain: a stream then asks its peer to move. */
  readonly draining: AbortSignal;
}

/** One side of a stream: what comes in, and sending out with back-pressure. */
export interface Stream<In, Out> extends AsyncIterable<In> {
  /** Queues a message; false when the transport's buffer is full. */
  send(message: Out): boolean;
  /** Resolves when the transport takes more. */
  writable(): Promise<void>;
}

/** The handlers of a service: unary answers a value, streams resolve when the call is over; a CodedError becomes its status. */
export type Handlers<D> = {
  readonly [M in keyof D]: D[M] extends { requestStream: true; responseStream: true }
    ? (stream: Stream<RequestOf<D[M]>, ResponseOf<D[M]>>, call: Call) => Promise<void>
    : D[M] extends { responseStream: true }
      ? (
          request: RequestOf<D[M]>,
          stream: Pick<Stream<never, ResponseOf<D[M]>>, "send" | "writable">,
          call: Call,
        ) => Promise<void>
      : (request: RequestOf<D[M]>, call: Call) => Promise<ResponseOf<D[M]>>;
};

/** Options of one call. A call without a deadline must be a stream with beats of its own. */
export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** The caller's end of a bidirectional stream. Iterating throws a CodedError when the call failed. */
export interface ClientStream<Out, In> extends Stream<In, Out> {
  /** Says that nothing more will be sent. */
  end(): void;
  cancel(): void;
}

/** A typed client of a service. `unavailable` is retried for unary calls with jitter within the deadline, nothing else is. */
export type Client<D> = {
  readonly [M in keyof D]: D[M] extends { requestStream: true; responseStream: true }
    ? (options?: CallOptions) => ClientStream<RequestOf<D[M]>, ResponseOf<D[M]>>
    : D[M] extends { responseStream: true }
      ? (request: RequestOf<D[M]>, options?: CallOptions) => AsyncIterable<ResponseOf<D[M]>>
      : (request: RequestOf<D[M]>, options?: CallOptions) => Promise<ResponseOf<D[M]>>;
} & Disposable;

/** Where and how to connect. */
export interface ConnectOptions {
  /**
   * `unix:/path`, `http(s)://host[:port]` (an access URL; HTTP/2 first, the same bytes inside a WebSocket where that does not
   * pass), or `host:port`. Several are tried in order, then over again.
   */
  readonly targets: readonly string[];
  /** Sent with every call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Proves the deployment key to `internal` services. */
  readonly deploymentKey?: Buffer;
  /** Raises the receive window (mesh bulk): 64 KiB per round trip otherwise. */
  readonly receiveWindowBytes?: number;
  /**
   * Whether this client has a TCP connection of its own; it has by default, so that dialing anew never lands on a frozen
   * connection that another client holds. `false` shares one with all clients of the same target.
   */
  readonly ownConnection?: boolean;
}
