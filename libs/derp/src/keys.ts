import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { KEY_BYTES } from "./frames.ts";
import { DerpProtocolError } from "./protocol-error.ts";

/** An X25519 pair, 32 bytes each, the private key clamped. */
export interface KeyPair {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

/** What stands before the raw 32 bytes in the DER forms of X25519 keys (RFC 8410). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

/** Sets the bits that RFC 7748 fixes, as stock clients do before they store a key. */
function clamp(privateKey: Buffer): Buffer {
  const clamped = Buffer.from(privateKey);
  clamped[0] = (clamped[0] ?? 0) & 248;
  clamped[31] = ((clamped[31] ?? 0) & 127) | 64;
  return clamped;
}

const privateKeyObject = (raw: Buffer) =>
  createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, raw]), format: "der", type: "pkcs8" });

const publicKeyObject = (raw: Buffer) =>
  createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });

/** A fresh random pair. */
export function generateKeyPair(): KeyPair {
  const der = generateKeyPairSync("x25519").privateKey.export({ format: "der", type: "pkcs8" });
  return keyPairOf(der.subarray(PKCS8_PREFIX.length));
}

/** The pair that a stored private key belongs to. */
export function keyPairOf(privateKey: Buffer): KeyPair {
  const clamped = clamp(privateKey);
  const der = createPublicKey(privateKeyObject(clamped)).export({ format: "der", type: "spki" });
  return { privateKey: clamped, publicKey: Buffer.from(der.subarray(SPKI_PREFIX.length)) };
}

/** Whether a public key can belong to anybody: 32 bytes, not all zero. */
export function isPublicKey(key: Buffer): boolean {
  return key.length === KEY_BYTES && key.some((byte) => byte !== 0);
}

/**
 * The X25519 shared secret.
 * @throws DerpProtocolError for a key that can belong to nobody (all zero, or of low order).
 */
export function sharedSecret(privateKey: Buffer, peerKey: Buffer): Buffer {
  if (!isPublicKey(peerKey)) throw new DerpProtocolError("a public key is 32 bytes and not all zero");
  try {
    return diffieHellman({ privateKey: privateKeyObject(privateKey), publicKey: publicKeyObject(peerKey) });
  } catch (cause) {
    throw new DerpProtocolError("a public key of low order", cause); // OpenSSL refuses an all-zero result
  }
}
