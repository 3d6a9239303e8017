import { randomBytes } from "node:crypto";
import { hsalsa, secretbox } from "@noble/ciphers/salsa.js";
import { NONCE_BYTES } from "./frames.ts";
import { sharedSecret } from "./keys.ts";
import { DerpProtocolError } from "./protocol-error.ts";

/** Bytes of a box's authenticator. */
const TAG_BYTES = 16;

/** "expand 32-byte k", Salsa20's constant, as little-endian words. */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

/** NaCl's crypto_box between two keys: X25519, HSalsa20, XSalsa20-Poly1305. The shared key is computed once. */
export class Box {
  readonly #key: Uint8Array;

  /** @throws DerpProtocolError when the peer's key can belong to nobody. */
  constructor(privateKey: Buffer, peerKey: Buffer) {
    const secret = new Uint8Array(sharedSecret(privateKey, peerKey)); // a copy: words need an aligned buffer
    const subkey = new Uint32Array(8);
    hsalsa(SIGMA, new Uint32Array(secret.buffer), new Uint32Array(4), subkey);
    this.#key = new Uint8Array(subkey.buffer);
  }

  /** A random nonce, and the box. */
  seal(plain: Buffer): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    return Buffer.concat([nonce, secretbox(this.#key, nonce).seal(plain)]);
  }

  /**
   * Opens `nonce | box`.
   * @throws DerpProtocolError when it was not sealed by the owner of the peer's key for ours.
   */
  open(sealed: Buffer): Buffer {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new DerpProtocolError("a box is too short");
    try {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      return Buffer.from(secretbox(this.#key, nonce).open(sealed.subarray(NONCE_BYTES)));
    } catch (cause) {
      throw new DerpProtocolError("a box that does not open: sealed with another key, or altered", cause);
    }
  }
}
