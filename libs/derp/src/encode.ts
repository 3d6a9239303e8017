import { Frame, HEADER_BYTES, KEY_BYTES, MAX_PACKET_BYTES, PeerGoneReason } from "./frames.ts";
import { DerpProtocolError } from "./protocol-error.ts";

/** Writes `type | length` at `at`. */
export function writeHeader(into: Buffer, at: number, type: number, payloadBytes: number): void {
  into[at] = type;
  into.writeUInt32BE(payloadBytes, at + 1);
}

/** One frame from the parts of its payload. */
export function encodeFrame(type: number, ...parts: readonly Buffer[]): Buffer {
  const payloadBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const encoded = Buffer.allocUnsafe(HEADER_BYTES + payloadBytes);
  writeHeader(encoded, 0, type, payloadBytes);
  let at = HEADER_BYTES;
  for (const part of parts) at += part.copy(encoded, at);
  return encoded;
}

/**
 * A packet for the owner of a key.
 * @throws DerpProtocolError when the packet is longer than 64 KiB.
 */
export function encodeSendPacket(destination: Buffer, packet: Buffer): Buffer {
  if (packet.length > MAX_PACKET_BYTES)
    throw new DerpProtocolError(`a packet of ${packet.length} bytes is longer than ${MAX_PACKET_BYTES}`);
  return encodeFrame(Frame.sendPacket.code, destination, packet);
}

/** A packet as its receiver gets it. */
export function encodeRecvPacket(source: Buffer, packet: Buffer): Buffer {
  return encodeFrame(Frame.recvPacket.code, source, packet);
}

/**
 * Writes the ForwardPacket of a whole SendPacket or RecvPacket frame (`frame[start…end]`) into a batch at `at`, and
 * answers where it ends: 32 bytes more than the frame has.
 */
export function writeForwardPacket(
  into: Buffer,
  at: number,
  source: Buffer,
  frame: Buffer,
  start: number,
  end: number,
): number {
  writeHeader(into, at, Frame.forwardPacket.code, end - start - HEADER_BYTES + KEY_BYTES);
  source.copy(into, at + HEADER_BYTES);
  frame.copy(into, at + HEADER_BYTES + KEY_BYTES, start + HEADER_BYTES, end);
  return at + end - start + KEY_BYTES;
}

/** 8 bytes to be echoed. */
export function encodePing(echo: Buffer): Buffer {
  return encodeFrame(Frame.ping.code, echo.subarray(0, 8));
}

/** The first 8 bytes of a ping. */
export function encodePong(echo: Buffer): Buffer {
  return encodeFrame(Frame.pong.code, echo.subarray(0, 8));
}

/** Keeps middleboxes from forgetting the connection. */
export function encodeKeepAlive(): Buffer {
  return encodeFrame(Frame.keepAlive.code);
}

/** Whether this relay is the client's home. */
export function encodeNotePreferred(preferred: boolean): Buffer {
  return encodeFrame(Frame.notePreferred.code, Buffer.of(preferred ? 1 : 0));
}

/** A key has left, or was never here. */
export function encodePeerGone(key: Buffer, reason: keyof typeof PeerGoneReason): Buffer {
  return encodeFrame(Frame.peerGone.code, key, Buffer.of(PeerGoneReason[reason]));
}

/** The relay's health in words; empty: healthy again. */
export function encodeHealth(problem: string): Buffer {
  return encodeFrame(Frame.health.code, Buffer.from(problem));
}

/** The relay is about to end: connect again in `reconnectInMs`, and keep trying for `tryForMs`. */
export function encodeRestarting(reconnectInMs: number, tryForMs: number): Buffer {
  const payload = Buffer.allocUnsafe(8);
  payload.writeUInt32BE(reconnectInMs, 0);
  payload.writeUInt32BE(tryForMs, 4);
  return encodeFrame(Frame.restarting.code, payload);
}
