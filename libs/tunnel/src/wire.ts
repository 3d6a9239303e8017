import { CodedError, type ErrorCode } from "@berth/std";

// The layout of every packet and frame of a tunnel. Numbers are bytes, integers big-endian. This table is the only place
// that knows them.
//
// Packet:  version 1 | kind 1 | session id 8 | …
//   hello     0x01  Noise message 1, its payload JSON {ticket}
//   welcome   0x02  Noise message 2, its payload JSON {resetToken} or {refused}
//   sealed    0x03  key phase 1 | path 4 | number 6 | AES-256-GCM(frames) | tag 16     header authenticated
//   unknown   0x04  reset token 16: the acceptor has no such session (any more)
// Frame:   type 1 | length 2 | body; a type that is not known is skipped
//   ping           0x01  nothing; like every frame but ack and close it asks for an acknowledgement
//   ack            0x02  path 4 | delay in µs 4 | (highest 6 | lowest 6) × n, highest first: numbers heard on that path
//   stream         0x03  stream 4 | offset 6 | flags 1 (1: these are the last bytes) | bytes
//   maxData        0x04  bytes 6 that the peer may send on all streams together, since the beginning
//   maxStreamData  0x05  stream 4 | bytes 6
//   reset          0x06  stream 4 | final offset 6 | code length 1 | code | reason: no more bytes will come
//   stop           0x07  stream 4 | code length 1 | code | reason: nobody reads any more
//   challenge      0x08  token 8, to be answered on the path it came by
//   response       0x09  token 8
//   close          0x0a  reason
//   ticket         0x0b  a fresh ticket
// Streams: the dialer's are even, the acceptor's odd. The first bytes of one are length 2 | JSON of its target.

/** The first byte of every packet. No stock packet kind begins with it. */
export const WIRE_VERSION = 1;
/** Bytes of a session's id. */
export const SESSION_ID_BYTES = 8;
/** Bytes before what is sealed, authenticated with it. */
export const SEALED_HEADER_BYTES = 21;
/** Bytes of the token that proves an `unknown`. */
export const RESET_TOKEN_BYTES = 16;
/** Bytes of an authenticator. */
export const TAG_BYTES = 16;
/** Bytes of a stream frame without its data. */
export const STREAM_FRAME_BYTES = 3 + 4 + 6 + 1;
/** Most ranges in one acknowledgement. */
export const MAX_ACK_RANGES = 16;

/** Bytes of the longest acknowledgement. */
export const MAX_ACK_BYTES = 3 + 8 + 12 * MAX_ACK_RANGES;

/** Packet kinds by name. */
export const PacketKind = { hello: 0x01, welcome: 0x02, sealed: 0x03, unknown: 0x04 } as const;

const FrameType = {
  ping: 0x01,
  ack: 0x02,
  stream: 0x03,
  maxData: 0x04,
  maxStreamData: 0x05,
  reset: 0x06,
  stop: 0x07,
  challenge: 0x08,
  response: 0x09,
  close: 0x0a,
  ticket: 0x0b,
} as const;

/** Packet numbers, both ends included. */
export interface AckRange {
  readonly high: number;
  readonly low: number;
}

/** Any frame but `stream`, which is written where its bytes lie. */
export type ControlFrame =
  | { readonly type: "ping" }
  | {
      readonly type: "ack";
      readonly path: number;
      readonly delayMicros: number;
      readonly ranges: readonly AckRange[];
    }
  | { readonly type: "maxData"; readonly bytes: number }
  | { readonly type: "maxStreamData"; readonly stream: number; readonly bytes: number }
  | {
      readonly type: "reset";
      readonly stream: number;
      readonly finalOffset: number;
      readonly code: string;
      readonly reason: string;
    }
  | { readonly type: "stop"; readonly stream: number; readonly code: string; readonly reason: string }
  | { readonly type: "challenge" | "response"; readonly token: Buffer }
  | { readonly type: "close"; readonly reason: string }
  | { readonly type: "ticket"; readonly ticket: string };

/** Bytes of a stream; `data` is a view of the packet. */
export interface StreamFrame {
  readonly type: "stream";
  readonly stream: number;
  readonly offset: number;
  readonly isLast: boolean;
  readonly data: Buffer;
}

/** What a sealed packet holds. */
export type Frame = ControlFrame | StreamFrame;

/** The head of any packet: `version | kind | session id`. */
export function packetHead(kind: number, sessionId: Buffer): Buffer {
  return Buffer.concat([Buffer.of(WIRE_VERSION, kind), sessionId]);
}

/** The bytes of a frame that is not of a stream. */
export function encodeFrame(frame: ControlFrame): Buffer {
  const body = encodeBody(frame);
  const head = Buffer.allocUnsafe(3);
  head[0] = FrameType[frame.type];
  head.writeUInt16BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Writes a stream frame's head before `length` bytes of data at `at + STREAM_FRAME_BYTES`; answers where the frame ends. */
export function writeStreamHead(
  into: Buffer,
  at: number,
  frame: Omit<StreamFrame, "type" | "data">,
  length: number,
): number {
  into[at] = FrameType.stream;
  into.writeUInt16BE(STREAM_FRAME_BYTES - 3 + length, at + 1);
  into.writeUInt32BE(frame.stream, at + 3);
  into.writeUIntBE(frame.offset, at + 7, 6);
  into[at + 13] = frame.isLast ? 1 : 0;
  return at + STREAM_FRAME_BYTES + length;
}

/**
 * The frames of an opened packet.
 * @throws CodedError `invalid_argument` when a length is impossible: the peer is broken, for the packet was authentic.
 */
export function decodeFrames(plain: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < plain.length;) {
    if (plain.length - at < 3) throw malformed("a frame's head");
    const end = at + 3 + plain.readUInt16BE(at + 1);
    if (end > plain.length) throw malformed("a frame");
    const frame = decodeBody(plain[at] ?? 0, plain.subarray(at + 3, end));
    if (frame !== undefined) frames.push(frame);
    at = end;
  }
  return frames;
}

function encodeBody(frame: ControlFrame): Buffer {
  switch (frame.type) {
    case "ping":
      return Buffer.alloc(0);
    case "ack":
      return Buffer.concat([
        uint(frame.path, 4),
        uint(Math.min(frame.delayMicros, 0xffff_ffff), 4),
        ...frame.ranges.flatMap(({ high, low }) => [uint(high, 6), uint(low, 6)]),
      ]);
    case "maxData":
      return uint(frame.bytes, 6);
    case "maxStreamData":
      return Buffer.concat([uint(frame.stream, 4), uint(frame.bytes, 6)]);
    case "reset":
      return Buffer.concat([uint(frame.stream, 4), uint(frame.finalOffset, 6), encodeFault(frame)]);
    case "stop":
      return Buffer.concat([uint(frame.stream, 4), encodeFault(frame)]);
    case "challenge":
    case "response":
      return frame.token;
    case "close":
      return Buffer.from(frame.reason).subarray(0, 1024);
    case "ticket":
      return Buffer.from(frame.ticket);
  }
}

function decodeBody(type: number, body: Buffer): Frame | undefined {
  switch (type) {
    case FrameType.stream:
      need(body, 11);
      return {
        type: "stream",
        stream: body.readUInt32BE(0),
        offset: body.readUIntBE(4, 6),
        isLast: ((body[10] ?? 0) & 1) === 1,
        data: body.subarray(11),
      };
    case FrameType.ack:
      return decodeAck(body);
    case FrameType.ping:
      return { type: "ping" };
    case FrameType.maxData:
      return { type: "maxData", bytes: need(body, 6).readUIntBE(0, 6) };
    case FrameType.maxStreamData:
      need(body, 10);
      return { type: "maxStreamData", stream: body.readUInt32BE(0), bytes: body.readUIntBE(4, 6) };
    case FrameType.reset:
      need(body, 11);
      return {
        type: "reset",
        stream: body.readUInt32BE(0),
        finalOffset: body.readUIntBE(4, 6),
        ...decodeFault(body.subarray(10)),
      };
    case FrameType.stop:
      need(body, 5);
      return { type: "stop", stream: body.readUInt32BE(0), ...decodeFault(body.subarray(4)) };
    case FrameType.challenge:
    case FrameType.response:
      return { type: type === FrameType.challenge ? "challenge" : "response", token: need(body, 8) };
    case FrameType.close:
      return { type: "close", reason: body.toString() };
    case FrameType.ticket:
      return { type: "ticket", ticket: body.toString() };
    default:
      return undefined; // of a newer release
  }
}

function decodeAck(body: Buffer): Frame {
  need(body, 8);
  if ((body.length - 8) % 12 !== 0) throw malformed("an acknowledgement");
  const ranges: AckRange[] = [];
  for (let at = 8; at < body.length; at += 12)
    ranges.push({ high: body.readUIntBE(at, 6), low: body.readUIntBE(at + 6, 6) });
  return { type: "ack", path: body.readUInt32BE(0), delayMicros: body.readUInt32BE(4), ranges };
}

function encodeFault({ code, reason }: { code: string; reason: string }): Buffer {
  const codeBytes = Buffer.from(code).subarray(0, 255);
  return Buffer.concat([Buffer.of(codeBytes.length), codeBytes, Buffer.from(reason).subarray(0, 1024)]);
}

function decodeFault(body: Buffer): { code: string; reason: string } {
  const end = 1 + (body[0] ?? 0);
  return { code: need(body, end).toString("utf8", 1, end), reason: body.toString("utf8", end) };
}

function uint(value: number, bytes: 4 | 6): Buffer {
  const encoded = Buffer.allocUnsafe(bytes);
  encoded.writeUIntBE(value, 0, bytes);
  return encoded;
}

function need(body: Buffer, bytes: number): Buffer {
  if (body.length < bytes) throw malformed("a frame's body");
  return body;
}

function malformed(what: string): CodedError {
  return new CodedError("invalid_argument" satisfies ErrorCode, `reading a packet: ${what} is cut short`);
}
