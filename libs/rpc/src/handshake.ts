import type { Method } from "./method.ts";

const identity = (bytes: Buffer) => bytes;

/** Bytes in, bytes out. */
function rawMethod(path: string) {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  } as const satisfies Method;
}

/** What every listener answers by itself. */
export const handshake = {
  /** Answers nothing: that gRPC passes on this way is all the caller wants to know. */
  reach: rawMethod("/berth.rpc.v1.HandshakeService/Reach"),
  /** The deployment key's challenge: see proof.ts. */
  challenge: rawMethod("/berth.rpc.v1.HandshakeService/Challenge"),
} as const;

/** Metadata that carries a proof. */
export const PROOF = "berth-proof";

/** Where gRPC goes inside a WebSocket, and the sub-protocol's name. */
export const WEBSOCKET_PATH = "/rpc";
export const WEBSOCKET_PROTOCOL = "berth-grpc";
