import type { Duplex } from "node:stream";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { LONGEST_TIMER_MS } from "@berth/std";
import type { Logger, Metrics } from "@berth/telemetry";
import { type Gate, openTimings } from "./gate.ts";
import { handshake } from "./handshake.ts";
import type { Definition, Handlers } from "./method.ts";
import type { Audience } from "./mount.ts";
import { OpenCalls } from "./open-calls.ts";
import { KeyHolder } from "./proof.ts";
import { serveDefinition } from "./serve.ts";

// No grpc.keepalive_* here nor at the caller: a ping after GOAWAY ends every open stream. Streams have beats of their own.
const OPTIONS = { "grpc.max_receive_message_length": 16 << 20 };

/**
 * The gRPC server behind the listener: it never has a port, connections are handed in. Its drain is our own, because
 * grpc-js's tryShutdown neither waits for streams of such connections nor refuses new ones on them.
 */
export class GrpcSide {
  readonly keys = new KeyHolder();
  readonly open = new OpenCalls();
  readonly #server = new Server(OPTIONS);
  readonly #injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  readonly #draining = new AbortController();
  readonly #closed = new AbortController();
  readonly #gate: Gate;
  #refusing = false;

  constructor(log: Logger, metrics: Metrics) {
    this.#gate = {
      keys: this.keys,
      open: this.open,
      draining: this.#draining.signal,
      refusing: () => this.#refusing,
      closed: this.#closed.signal,
      log,
      timings: openTimings(metrics),
    };
    this.serve(
      handshake,
      {
        reach: () => Promise.resolve(Buffer.alloc(0)),
        challenge: (nonce) => Promise.resolve(nonce).then((bytes) => this.keys.answer(bytes)),
      },
      "public",
    );
  }

  serve<D extends Definition>(definition: D, handlers: Handlers<D>, audience: Audience): void {
    serveDefinition(this.#server, this.#gate, definition, handlers, audience);
  }

  /** Takes over a connection whose first bytes are HTTP/2's preface. */
  inject(connection: Duplex): void {
    if (this.#refusing) connection.destroy();
    else this.#injector.injectConnection(connection);
  }

  /** Tells the open streams that they should move; new ones are still taken. */
  askToMove(): void {
    this.#draining.abort();
  }

  /** Takes nothing new (GOAWAY on every connection), and waits until the open calls have ended, or for `ms`. */
  async drain(ms: number): Promise<void> {
    this.askToMove();
    this.#refusing = true;
    this.#injector.drain(Math.min(ms + 1000, LONGEST_TIMER_MS));
    await this.open.idleWithin(ms);
  }

  close(): void {
    this.#refusing = true;
    this.#draining.abort();
    this.#closed.abort();
    this.#server.forceShutdown();
  }
}
