import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { CodedError, messageOf } from "@berth/std";
import type { StreamTarget } from "@berth/tunnel";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1"]);

/** Connects a stream to a port of this workspace. Other hosts are reached through SSH, not by this. */
export function forwardTcp(stream: Duplex, { host = "localhost", port = 0 }: StreamTarget): void {
  if (!LOOPBACK.has(host) || port <= 0 || port > 65_535)
    return void stream.destroy(
      new CodedError("permission_denied", `not a port of this workspace: ${host}:${port}`),
    );
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  socket.on("error", (cause) =>
    stream.destroy(new CodedError("unavailable", `port ${port}: ${messageOf(cause)}`, { cause })),
  );
  stream.on("error", () => socket.destroy());
  stream.on("close", () => socket.destroy());
  stream.pipe(socket);
  socket.pipe(stream);
}
