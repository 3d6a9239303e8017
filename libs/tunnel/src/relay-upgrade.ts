import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { CodedError } from "@berth/std";
import { openWebSocketStream } from "@berth/rpc";
import type { RelayAddress } from "./types.ts";

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
 * A stream of DERP bytes to a relay: by `Upgrade: DERP`, or in a WebSocket where that is forced or the upgrade is refused
 * with a 4xx (then for every later connect too).
 * @throws CodedError `unavailable`
 */
export async function openRelayStream(address: RelayAddress, signal: AbortSignal): Promise<Duplex> {
  const url = new URL(`${address.url.replace(/\/+$/, "")}/derp`);
  if (address.forceWebSocket === true || webSocketOnly.has(url.href)) return openWebSocket(url, signal);
  try {
    return await upgrade(url, signal);
  } catch (refused) {
    if (!(refused instanceof UpgradeRefusedError) || refused.status < 400 || refused.status > 499)
      throw refused;
    const stream = await openWebSocket(url, signal);
    webSocketOnly.add(url.href);
    return stream;
  }
}

function openWebSocket(url: URL, signal: AbortSignal): Promise<Duplex> {
  return openWebSocketStream(url, { protocol: "derp", signal });
}

function upgrade(url: URL, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const options = {
      agent: false,
      headers: { connection: "Upgrade", upgrade: "DERP" },
      ALPNProtocols: ["http/1.1"], // an upgrade is HTTP/1.1's
    } as const;
    const request = url.protocol === "https:" ? httpsRequest(url, options) : httpRequest(url, options);
    const abort = () => request.destroy(new Error("given up"));
    signal.addEventListener("abort", abort);
    request.once("close", () => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
    request.once("upgrade", (_response: IncomingMessage, socket: Socket, head: Buffer) => {
      signal.removeEventListener("abort", abort); // the stream is its owner's now
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 10_000);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once("response", (response) => {
      response.destroy();
      reject(new UpgradeRefusedError(url, response.statusCode ?? 0));
    });
    request.on("error", (cause) => {
      const message = `connecting to relay ${url.href}: ${cause.message}`;
      reject(new CodedError("unavailable", message, { cause }));
    });
    request.end();
  });
}
