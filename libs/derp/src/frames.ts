/**
 * DERP's frames: `type 1 | payload length 4, big-endian | payload`. This table is the only place that knows a layout.
 * Numbers in a layout are bytes; limits are of the payload. The stream of a client begins with ClientInfo, that of a
 * server with ServerKey, ServerInfo; unknown types are skipped by both. (Read in tailscale's derp and derpserver packages.)
 */

/** Bytes of `type | length` before every payload. */
export const HEADER_BYTES = 5;
/** Bytes of a public key. */
export const KEY_BYTES = 32;
/** Bytes of a NaCl nonce. */
export const NONCE_BYTES = 24;
/** Most bytes of a packet between two clients. */
export const MAX_PACKET_BYTES = 65_536;
/** Most bytes of a frame that a client accepts, unknown types included. */
export const MAX_SERVER_FRAME_BYTES = 1_048_576;
/** The protocol's version, in ServerInfo and in the reply's `Derp-Version`. */
export const PROTOCOL_VERSION = 2;
/** First bytes of ServerKey: "DERP" and a key. */
export const MAGIC = Buffer.from("DERP\u{1F511}", "utf8");
/** Most bytes in one WebSocket message to a stock client, whose library reads no longer one. */
export const MAX_WEBSOCKET_MESSAGE_BYTES = 32_768;

/** Who sends a frame; `mesh` frames pass between relays only. */
type Sender = "server" | "client" | "both" | "mesh";

/** What one frame looks like. */
export interface Layout<Code extends number = number> {
  readonly code: Code;
  readonly from: Sender;
  readonly minBytes: number;
  readonly maxBytes: number;
}

const frame = <Code extends number>(
  code: Code,
  from: Sender,
  minBytes: number,
  maxBytes = minBytes,
): Layout<Code> => ({ code, from, minBytes, maxBytes });

/** Every frame by name: type byte, sender, limits; its layout in the comment. */
// prettier-ignore
export const Frame = {
  serverKey:     frame(0x01, "server", 40, 1024),        // magic 8 | server key 32 | ignored
  clientInfo:    frame(0x02, "client", 56, 262_144),     // client key 32 | nonce 24 | box(JSON)
  serverInfo:    frame(0x03, "server", 24, 1_048_576),   // nonce 24 | box(JSON)
  sendPacket:    frame(0x04, "client", 32, 32 + MAX_PACKET_BYTES), // destination key 32 | packet
  recvPacket:    frame(0x05, "server", 32, 32 + MAX_PACKET_BYTES), // source key 32 | packet
  keepAlive:     frame(0x06, "server", 0),               // nothing
  notePreferred: frame(0x07, "client", 1),               // 1: this relay is my home, 0: it is not
  peerGone:      frame(0x08, "server", 32, 1024),        // key 32 | reason 1, absent from old servers
  peerPresent:   frame(0x09, "server", 32, 1024),        // key 32 | address 16 | port 2 | flags 1, each absent from older servers
  forwardPacket: frame(0x0a, "mesh", 64, 64 + MAX_PACKET_BYTES), // source key 32 | destination key 32 | packet
  watchConns:    frame(0x10, "mesh", 0),                 // nothing
  closePeer:     frame(0x11, "mesh", 32),                // key 32
  ping:          frame(0x12, "both", 8, 1000),           // 8 to be echoed | ignored
  pong:          frame(0x13, "both", 8, 1000),           // 8 of the ping | ignored
  health:        frame(0x14, "server", 0, 1_048_576),    // UTF-8, empty: healthy again
  restarting:    frame(0x15, "server", 8, 1024),         // reconnect in ms 4 | try for ms 4
} as const;

/** A frame's name. */
export type FrameName = keyof typeof Frame;

/** Why a peer is gone. */
export const PeerGoneReason = { disconnected: 0x00, notHere: 0x01 } as const;
