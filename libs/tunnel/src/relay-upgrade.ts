import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Duplex } from "node:stream";
import { CodedError } from "@berth/std";
import { openWebSocketStream } from "@berth/rpc";
import type { RelayAddress } from "./types.ts";

// The upgrade is spoken by hand, and not by node:http, because only a socket of our own can read into one buffer: a fresh one
// per read costs more in garbage collection than sealing the bytes does (measured: half of a busy receiver's time).
const READ_BYTES = 256 * 1024;
const MAX_HEAD_BYTES = 16 * 1024;
const HEAD_END = Buffer.from("\r\n\r\n");

/** A connection to a relay on which DERP is spoken. */
export interface RelayStream {
  readonly stream: Duplex;
  /** Each write becomes a message of its own: what belongs together should be written together. */
  readonly isOfMessages: boolean;
  /** Hears what comes in. Bytes are valid during the call only. */
  listen(hear: (bytes: Buffer) => void): void;
}

/** The upgrade was answered with an HTTP status: something on the way, or the server, does not know it. */
class UpgradeRefusedError extends CodedError {
  override readonly name = "UpgradeRefusedError";
  readonly status: number;
  constructor(url: URL, status: number) {
    super("unavailable", `connecting to relay ${url.href}: it answered ${status}`, { fields: { status } });
    this.status = status;
  }
}

/** Addresses that refused the upgrade with a 4xx: a WebSocket passes there. */
const webSocketOnly = new Set<string>();

/**
 * Connects to a relay: by `Upgrade: DERP`, or by WebSocket where that is forced or the upgrade is refused with a 4xx (then for
 * every later connect too).
 * @throws CodedError `unavailable`
 */
export async function openRelayStream(address: RelayAddress, signal: AbortSignal): Promise<RelayStream> {
  const url = new URL(`${address.url.replace(/\/+$/, "")}/derp`);
  if (address.forceWebSocket === true || webSocketOnly.has(url.href)) return openWebSocket(url, signal);
  try {
    return await new Upgrade(url, signal).result;
  } catch (refused) {
    if (!(refused instanceof UpgradeRefusedError) || refused.status < 400 || refused.status > 499)
      throw refused;
    const opened = await openWebSocket(url, signal);
    webSocketOnly.add(url.href);
    return opened;
  }
}

async function openWebSocket(url: URL, signal: AbortSignal): Promise<RelayStream> {
  const stream = await openWebSocketStream(url, { protocol: "derp", signal });
  return { stream, isOfMessages: true, listen: (hear) => void stream.on("data", hear) };
}

/** One `Upgrade: DERP` on a socket of its own. */
class Upgrade {
  readonly #url: URL;
  readonly #socket: Socket;
  readonly #settled = Promise.withResolvers<RelayStream>();
  /** What has come and has no reader yet: the reply's head, and bytes that came right behind it. */
  #early = Buffer.alloc(0);
  #isUpgraded = false;
  #hear: ((bytes: Buffer) => void) | undefined;

  constructor(url: URL, signal: AbortSignal) {
    this.#url = url;
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    this.#socket = openSocket(url, {
      buffer,
      callback: (bytes) => {
        this.#read(buffer.subarray(0, bytes));
        return true;
      },
    });
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    const abort = () => this.#fail("given up");
    signal.addEventListener("abort", abort);
    const release = () => signal.removeEventListener("abort", abort);
    this.#settled.promise.then(release, release);
    socket.on("error", (error) => this.#fail(error.message));
    socket.on("close", () => this.#fail("it has closed the connection"));
    socket.resume(); // or the end is never heard
    socket.write(
      `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n\r\n`,
    );
    if (signal.aborted) abort();
  }

  get result(): Promise<RelayStream> {
    return this.#settled.promise;
  }

  #read(bytes: Buffer): void {
    if (this.#hear !== undefined) return this.#hear(bytes);
    this.#early = Buffer.concat([this.#early, bytes]);
    if (!this.#isUpgraded) this.#readHead();
  }

  #readHead(): void {
    const end = this.#early.indexOf(HEAD_END);
    if (end < 0) {
      if (this.#early.length > MAX_HEAD_BYTES) this.#fail("it does not answer with HTTP");
      return;
    }
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(this.#early.toString("latin1", 0, end))?.[1] ?? 0);
    this.#early = this.#early.subarray(end + HEAD_END.length);
    if (status !== 101) {
      this.#settled.reject(new UpgradeRefusedError(this.#url, status));
      this.#socket.destroy();
      return;
    }
    this.#isUpgraded = true;
    this.#settled.resolve({
      stream: this.#socket,
      isOfMessages: false,
      listen: (hear) => this.#listen(hear),
    });
  }

  #listen(hear: (bytes: Buffer) => void): void {
    this.#hear = hear;
    const early = this.#early;
    this.#early = Buffer.alloc(0);
    if (early.length > 0) hear(early);
  }

  #fail(why: string): void {
    if (this.#isUpgraded) return; // the stream's owner hears of it
    this.#settled.reject(new CodedError("unavailable", `connecting to relay ${this.#url.href}: ${why}`));
    this.#socket.destroy();
  }
}

function openSocket(url: URL, onread: OnReadOpts): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isSecure = url.protocol === "https:";
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  if (!isSecure) return connectTcp({ host, port, onread });
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const options = { host, port, onread, ...servername, ALPNProtocols: ["http/1.1"] }; // HTTP/2 has no upgrade
  return connectTls(options);
}
