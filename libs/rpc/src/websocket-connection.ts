import { Channel, deferred } from "@berth/std";
import type WebSocket from "ws";

/** How a connection ended: the peer's close code (1006 when it broke) and its words. */
export interface WebSocketClosed {
  readonly code: number;
  readonly reason: string;
}

/** An open WebSocket, either side. */
export interface WebSocketConnection {
  /** The sub-protocol that was agreed on; empty when none was. */
  readonly protocol: string;
  /** Sends a text or a binary message; false when much is waiting: then wait for `writable`. */
  send(message: string | Buffer): boolean;
  /** Resolves when what waits is little again, or the connection has closed. */
  writable(): Promise<void>;
  /** What the peer sends, with back-pressure; ends when the connection closes, however that was. */
  readonly messages: AsyncIterable<string | Buffer>;
  /** Begins the closing handshake; codes are passed to the peer as they are. */
  close(code?: number, reason?: string): void;
  readonly closed: Promise<WebSocketClosed>;
}

/** Above this, `send` answers false. */
const MUCH_BYTES = 1 << 20;
/** A message that a peer does not take within this ends the connection with 1011. */
const WRITE_LIMIT_MS = 10_000;
/** Messages kept for a reader that is slower than the network, before the network is slowed down. */
const WAITING = 64;
/** How long a peer may take to answer a close. */
const CLOSE_LIMIT_MS = 5_000;

const SLOW: WebSocketClosed = { code: 1011, reason: "the peer does not read" };

/** Gives a socket of `ws` its shape here; to be called before its first message can have come. */
export function wrapWebSocket(socket: WebSocket, writeLimitMs = WRITE_LIMIT_MS): WebSocketConnection {
  const incoming = new Channel<string | Buffer>();
  const closed = deferred<WebSocketClosed>();
  const writes = new Writes(socket, writeLimitMs, () => {
    closeWithin(socket, SLOW.code, SLOW.reason);
    closed.resolve(SLOW);
  });
  socket.on("message", (bytes: Buffer, binary: boolean) => {
    incoming.push(binary ? bytes : bytes.toString());
    if (incoming.size >= WAITING) socket.pause();
  });
  socket.on("error", () => undefined); // `close` follows, with 1006 or the protocol's code
  socket.on("close", (code: number, reason: Buffer) => {
    incoming.end();
    writes.end();
    closed.resolve({ code, reason: reason.toString() });
  });
  return {
    protocol: socket.protocol,
    send: (message) => writes.send(message),
    writable: () => writes.room(),
    messages: read(socket, incoming),
    close: (code = 1000, reason = "") => closeWithin(socket, code, reason),
    closed: closed.promise,
  };
}

async function* read(socket: WebSocket, incoming: Channel<string | Buffer>) {
  for await (const message of incoming) {
    if (socket.isPaused && incoming.size < WAITING / 2) socket.resume();
    yield message;
  }
}

/** `ws` waits 30 s for the answer to a close; a peer that is gone gives none. A paused socket would not even hear it. */
function closeWithin(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState === socket.CLOSED) return; // no close will follow that could end the timer
  socket.close(code, shortened(reason));
  socket.resume();
  const timer = setTimeout(() => socket.terminate(), CLOSE_LIMIT_MS);
  socket.on("close", () => clearTimeout(timer));
}

/** A close frame holds 123 bytes of it, in whole characters. */
function shortened(reason: string): Buffer {
  const room = new Uint8Array(123);
  return Buffer.from(room.buffer, 0, new TextEncoder().encodeInto(reason, room).written);
}

/** What is being sent, and the limit on how long the peer may take to take it. */
class Writes {
  readonly #socket: WebSocket;
  #limit: NodeJS.Timeout | undefined;
  #pending = 0;
  #waiting: (() => void)[] = [];

  readonly #tooSlow: () => void;

  readonly #limitMs: number;

  constructor(socket: WebSocket, limitMs: number, tooSlow: () => void) {
    this.#socket = socket;
    this.#limitMs = limitMs;
    this.#tooSlow = tooSlow;
  }

  send(message: string | Buffer): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#pending += 1;
    this.#limit ??= this.#newLimit();
    this.#socket.send(message, { binary: typeof message !== "string" }, () => this.#sent());
    return this.#socket.bufferedAmount < MUCH_BYTES;
  }

  room(): Promise<void> {
    if (this.#socket.bufferedAmount < MUCH_BYTES || this.#socket.readyState !== this.#socket.OPEN)
      return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  end(): void {
    clearTimeout(this.#limit);
    this.#waiting.splice(0).forEach((wake) => wake());
  }

  #sent(): void {
    this.#pending -= 1;
    clearTimeout(this.#limit); // something went out: the limit begins anew for what still waits
    this.#limit = this.#pending > 0 ? this.#newLimit() : undefined;
    if (this.#socket.bufferedAmount < MUCH_BYTES) this.#waiting.splice(0).forEach((wake) => wake());
  }

  #newLimit(): NodeJS.Timeout {
    return setTimeout(this.#tooSlow, this.#limitMs);
  }
}
