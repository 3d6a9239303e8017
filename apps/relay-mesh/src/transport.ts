import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "@berth/derp";
import type { WebSocketConnection } from "@berth/rpc";
import type { Transport } from "./outbox.ts";

/** A byte stream from and to a client, whatever carries it. */
export interface ByteStream extends Transport {
  /** `read` is called for each chunk, `ended` once, when nothing more comes. To be called once. */
  listen(read: (chunk: Buffer) => void, ended: () => void): void;
}

/** A socket that was taken over from HTTP, with what the client had sent along with its request. */
export class SocketStream implements ByteStream {
  readonly #socket: Duplex;
  readonly #head: Buffer;

  constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket;
    this.#head = head;
    if (socket instanceof Socket) {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 30_000);
      socket.setTimeout(0);
    }
  }

  write(chunks: readonly Buffer[], written: () => void): void {
    const [only] = chunks;
    if (chunks.length === 1 && only !== undefined) {
      this.#socket.write(only, written);
      return;
    }
    this.#socket.cork(); // one writev
    for (const [index, chunk] of chunks.entries())
      this.#socket.write(chunk, index === chunks.length - 1 ? written : undefined);
    this.#socket.uncork();
  }

  listen(read: (chunk: Buffer) => void, ended: () => void): void {
    this.#socket.on("error", () => this.destroy()); // `close` follows
    this.#socket.once("end", () => this.#socket.end());
    this.#socket.once("close", ended);
    if (this.#head.length > 0) read(this.#head);
    this.#socket.on("data", read);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** The same stream in binary WebSocket messages, whose boundaries mean nothing. */
export class WebSocketStream implements ByteStream {
  readonly #connection: WebSocketConnection;

  constructor(connection: WebSocketConnection) {
    this.#connection = connection;
  }

  write(chunks: readonly Buffer[], written: () => void): void {
    const whole = chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
    let takesMore = true;
    for (let at = 0; at < whole.length; at += MAX_WEBSOCKET_MESSAGE_BYTES)
      takesMore = this.#connection.send(whole.subarray(at, at + MAX_WEBSOCKET_MESSAGE_BYTES));
    if (takesMore) queueMicrotask(written);
    else void this.#connection.writable().then(written, () => undefined); // it closed: nothing is written any more
  }

  listen(read: (chunk: Buffer) => void, ended: () => void): void {
    void this.#pump(read).finally(ended);
  }

  async #pump(read: (chunk: Buffer) => void): Promise<void> {
    try {
      for await (const message of this.#connection.messages) {
        if (typeof message === "string") return this.#connection.close(1003, "DERP is binary");
        read(message);
      }
    } catch {
      this.destroy(); // a broken WebSocket ends like a closed one
    }
  }

  end(): void {
    this.#connection.close(1000, "");
  }

  destroy(): void {
    this.#connection.close(1011, "");
  }
}
