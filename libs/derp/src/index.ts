export {
  Frame,
  type FrameName,
  HEADER_BYTES,
  KEY_BYTES,
  type Layout,
  MAX_PACKET_BYTES,
  MAX_WEBSOCKET_MESSAGE_BYTES,
  PROTOCOL_VERSION,
  PeerGoneReason,
} from "./frames.ts";
export { DerpProtocolError } from "./protocol-error.ts";
export {
  type FrameListener,
  type FramePart,
  FrameReader,
  type ReadingEnd,
  type SplitFrameListener,
} from "./frame-reader.ts";
export { type KeyPair, generateKeyPair, isPublicKey, keyPairOf } from "./keys.ts";
export { Box } from "./box.ts";
export {
  type ClientInfo,
  type ServerInfo,
  decodeClientInfo,
  decodeServerInfo,
  decodeServerKey,
  encodeClientInfo,
  encodeServerInfo,
  encodeServerKey,
} from "./handshake.ts";
export * from "./encode.ts";
export { type ServerFrame, decodeServerFrame, isDisco } from "./decode.ts";
