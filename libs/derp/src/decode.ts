import { Frame, HEADER_BYTES, KEY_BYTES, PeerGoneReason } from "./frames.ts";

/** A frame that a relay sent, as its client reads it. Buffers are views of the received chunk. */
export type ServerFrame =
  | { readonly kind: "serverKey"; readonly payload: Buffer }
  | { readonly kind: "serverInfo"; readonly payload: Buffer }
  | { readonly kind: "recvPacket"; readonly source: Buffer; readonly packet: Buffer }
  | { readonly kind: "keepAlive" }
  | { readonly kind: "peerGone"; readonly key: Buffer; readonly reason: "disconnected" | "notHere" }
  | { readonly kind: "peerPresent"; readonly key: Buffer }
  | { readonly kind: "ping"; readonly echo: Buffer }
  | { readonly kind: "pong"; readonly echo: Buffer }
  | { readonly kind: "health"; readonly problem: string }
  | { readonly kind: "restarting"; readonly reconnectInMs: number; readonly tryForMs: number };

/** What a frame heard from a FrameReader of the client's end says; undefined for a type that clients skip. */
export function decodeServerFrame(
  type: number,
  buffer: Buffer,
  start: number,
  end: number,
): ServerFrame | undefined {
  const payload = buffer.subarray(start + HEADER_BYTES, end);
  switch (type) {
    case Frame.recvPacket.code:
      return {
        kind: "recvPacket",
        source: payload.subarray(0, KEY_BYTES),
        packet: payload.subarray(KEY_BYTES),
      };
    case Frame.serverKey.code:
      return { kind: "serverKey", payload };
    case Frame.serverInfo.code:
      return { kind: "serverInfo", payload };
    case Frame.keepAlive.code:
      return { kind: "keepAlive" };
    case Frame.peerGone.code:
      return { kind: "peerGone", key: payload.subarray(0, KEY_BYTES), reason: reasonOf(payload[KEY_BYTES]) };
    case Frame.peerPresent.code:
      return { kind: "peerPresent", key: payload.subarray(0, KEY_BYTES) };
    case Frame.ping.code:
      return { kind: "ping", echo: payload.subarray(0, 8) };
    case Frame.pong.code:
      return { kind: "pong", echo: payload.subarray(0, 8) };
    case Frame.health.code:
      return { kind: "health", problem: payload.toString("utf8") };
    case Frame.restarting.code:
      return {
        kind: "restarting",
        reconnectInMs: payload.readUInt32BE(0),
        tryForMs: payload.readUInt32BE(4),
      };
    default:
      return undefined;
  }
}

/** Old servers send no reason: the peer disconnected. */
function reasonOf(byte: number | undefined): "disconnected" | "notHere" {
  return byte === PeerGoneReason.notHere ? "notHere" : "disconnected";
}

/** Magic of a disco packet (path discovery of stock clients), and the least bytes of one. */
const DISCO_MAGIC = Buffer.from("TS\u{1F4AC}", "utf8");
const DISCO_BYTES = 62;

/** Whether a packet is a stock client's path discovery: an unknown destination is answered for these alone. */
export function isDisco(buffer: Buffer, packetStart: number, packetEnd: number): boolean {
  return (
    packetEnd - packetStart >= DISCO_BYTES &&
    buffer.compare(DISCO_MAGIC, 0, DISCO_MAGIC.length, packetStart, packetStart + DISCO_MAGIC.length) === 0
  );
}
