import { CodedError } from "@berth/std";

/** A target, read: what grpc-js dials, whether with TLS, and the URL for the way through a WebSocket. */
export interface Target {
  /** As it was given, for messages. */
  readonly name: string;
  readonly authority: string;
  readonly secure: boolean;
  /** Set for access URLs: what stands before it may pass HTTP/1.1 only. */
  readonly url: URL | undefined;
}

/** Reads `unix:/path`, `http(s)://host[:port]` or `host:port`. */
export function readTarget(given: string): Target {
  if (given.startsWith("unix:")) return { name: given, authority: given, secure: false, url: undefined };
  const url = /^https?:/i.test(given) ? URL.parse(given) : null;
  if (url !== null) {
    const secure = url.protocol === "https:";
    const port = url.port === "" ? (secure ? "443" : "80") : url.port;
    return { name: given, authority: `dns:${url.hostname}:${port}`, secure, url };
  }
  if (!/^(\[[0-9a-f:]+\]|[^:/\s]+):\d+$/i.test(given))
    throw new CodedError(
      "invalid_argument",
      `"${given}" is no gRPC target: write unix:/path, http(s)://host[:port] or host:port`,
    );
  return { name: given, authority: `dns:${given}`, secure: false, url: undefined };
}
