import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { AcceptConnection, RejectConnection, ServerChannel } from "ssh2";
import { ChannelOutput } from "./channel-output.ts";

/** Connects a client's channel to an address as this host sees it. */
export function forwardTo(
  target: NetConnectOpts,
  accept: AcceptConnection<ServerChannel>,
  reject: RejectConnection,
  gone: AbortSignal,
): void {
  const socket = connect({ ...target, allowHalfOpen: true, noDelay: true });
  const leave = () => socket.destroy();
  socket.once("error", reject);
  socket.once("connect", () => {
    socket.off("error", reject);
    joinChannel(accept(), socket, gone);
  });
  gone.addEventListener("abort", leave);
  socket.once("close", () => gone.removeEventListener("abort", leave)); // a client may make many, one after another
}

/**
 * Copies both ways until both have ended. Each end is passed on by itself: ssh2 would close the whole channel when its writing
 * side ends, and cut off a client that still sends.
 */
export function joinChannel(channel: ServerChannel, socket: Socket, gone: AbortSignal): void {
  const close = () => {
    socket.destroy();
    channel.close();
  };
  socket.on("error", close);
  channel.on("close", () => socket.destroy());
  channel.pipe(socket);
  const received = new Promise<void>((resolve) => socket.once("finish", resolve));
  const sent = new ChannelOutput(channel, gone).copy("stdout", socket).then(() => channel.eof());
  Promise.all([received, sent]).then(close, close);
}
