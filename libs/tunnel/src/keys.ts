import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import { CodedError } from "@berth/std";
import type { KeyPair } from "./types.ts";

/** Bytes of an X25519 or Ed25519 key. */
export const KEY_BYTES = 32;

/**
 * The X25519 shared secret of our private and their public key.
 * @throws CodedError `invalid_argument` for a key of small order, which would make the secret known to everybody.
 */
export function sharedSecret(ours: KeyPair, theirPublicKey: Buffer): Buffer {
  try {
    return diffieHellman({ privateKey: x25519Private(ours), publicKey: okpPublic("X25519", theirPublicKey) });
  } catch (cause) {
    throw new CodedError("invalid_argument", "agreeing on a secret: the peer's public key is unusable", {
      cause,
    });
  }
}

/** A raw 32-byte public key as node:crypto takes it. */
export function okpPublic(curve: "X25519" | "Ed25519", publicKey: Buffer): KeyObject {
  return createPublicKey({
    key: { kty: "OKP", crv: curve, x: publicKey.toString("base64url") },
    format: "jwk",
  });
}

function x25519Private(pair: KeyPair): KeyObject {
  const x = pair.publicKey.toString("base64url");
  const d = pair.privateKey.toString("base64url");
  return createPrivateKey({ key: { kty: "OKP", crv: "X25519", x, d }, format: "jwk" });
}
