import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";
import { CodedError } from "@berth/std";
import { generateKeyPair } from "@berth/derp";
import { KEY_BYTES, sharedSecret } from "./keys.ts";
import type { KeyPair } from "./types.ts";

// Noise_IK_25519_AESGCM_SHA256 (noiseprotocol.org, revision 34):
//   <- s                    the initiator knows the responder's key
//   -> e, es, s, ss         message 1, its payload readable by the responder alone, but it may be a replay
//   <- e, ee, se            message 2
const PROTOCOL = Buffer.from("Noise_IK_25519_AESGCM_SHA256");
const TAG_BYTES = 16;
const EMPTY = Buffer.alloc(0);

/** What a finished handshake leaves: a key for each direction and a hash of all that was said. */
export interface TransportKeys {
  readonly send: Buffer;
  readonly receive: Buffer;
  readonly handshakeHash: Buffer;
}

/** The initiator's side: `start` makes message 1, `finish` reads message 2. */
export class NoiseInitiator {
  readonly #state: SymmetricState;
  readonly #identity: KeyPair;
  readonly #peerKey: Buffer;
  readonly #ephemeral: KeyPair;

  constructor(identity: KeyPair, peerKey: Buffer, prologue: Buffer, ephemeral: KeyPair = generateKeyPair()) {
    this.#state = new SymmetricState(prologue, peerKey);
    this.#identity = identity;
    this.#peerKey = peerKey;
    this.#ephemeral = ephemeral;
  }

  start(payload: Buffer): Buffer {
    const state = this.#state;
    state.mixHash(this.#ephemeral.publicKey);
    state.mixKey(sharedSecret(this.#ephemeral, this.#peerKey));
    const identity = state.encrypt(this.#identity.publicKey);
    state.mixKey(sharedSecret(this.#identity, this.#peerKey));
    return Buffer.concat([this.#ephemeral.publicKey, identity, state.encrypt(payload)]);
  }

  /** @throws CodedError when the message is not the responder's answer to ours. Nothing is changed then. */
  finish(message: Buffer): { payload: Buffer; keys: TransportKeys } {
    const state = this.#state.clone(); // a forged answer must not spoil the handshake for the genuine one
    const [theirs, sealed] = takeKey(message);
    state.mixHash(theirs);
    state.mixKey(sharedSecret(this.#ephemeral, theirs));
    state.mixKey(sharedSecret(this.#identity, theirs));
    const payload = state.decrypt(sealed);
    const [send, receive] = state.split();
    return { payload, keys: { send, receive, handshakeHash: state.hash } };
  }
}

/** What message 1 says, once it has been opened. */
export interface NoiseOpening {
  /** The initiator's key: proven, but for a replay. */
  readonly peerKey: Buffer;
  readonly ephemeral: Buffer;
  readonly payload: Buffer;
  /** Makes message 2 and the keys. */
  answer(payload: Buffer, ephemeral?: KeyPair): { message: Buffer; keys: TransportKeys };
}

/**
 * Opens message 1 with the responder's identity.
 * @throws CodedError when it was not made for this identity and prologue.
 */
export function openNoise(identity: KeyPair, message: Buffer, prologue: Buffer): NoiseOpening {
  const state = new SymmetricState(prologue, identity.publicKey);
  const [ephemeral, rest] = takeKey(message);
  state.mixHash(ephemeral);
  state.mixKey(sharedSecret(identity, ephemeral));
  const peerKey = state.decrypt(rest.subarray(0, KEY_BYTES + TAG_BYTES));
  state.mixKey(sharedSecret(identity, peerKey));
  const payload = state.decrypt(rest.subarray(KEY_BYTES + TAG_BYTES));
  const answer = (reply: Buffer, ours: KeyPair = generateKeyPair()) => {
    state.mixHash(ours.publicKey);
    state.mixKey(sharedSecret(ours, ephemeral));
    state.mixKey(sharedSecret(ours, peerKey));
    const message = Buffer.concat([ours.publicKey, state.encrypt(reply)]);
    const [receive, send] = state.split();
    return { message, keys: { send, receive, handshakeHash: state.hash } };
  };
  return { peerKey, ephemeral, payload, answer };
}

/** The next key of a direction (Noise section 4.2, REKEY): from it the one before cannot be found. */
export function nextKey(key: Buffer): Buffer {
  return seal(key, Buffer.alloc(12).fill(0xff, 4), EMPTY, Buffer.alloc(KEY_BYTES)).subarray(0, KEY_BYTES);
}

class SymmetricState {
  hash: Buffer;
  #chainingKey: Buffer;
  #key: Buffer = EMPTY;
  #nonce = 0;

  constructor(prologue: Buffer, responderKey: Buffer) {
    // Noise section 5.2: a protocol name shorter than the hash is padded with zeros.
    this.hash = Buffer.concat([PROTOCOL, Buffer.alloc(32 - PROTOCOL.length)]);
    this.#chainingKey = this.hash;
    this.mixHash(prologue);
    this.mixHash(responderKey);
  }

  clone(): SymmetricState {
    const copy = new SymmetricState(EMPTY, EMPTY);
    copy.hash = this.hash;
    copy.#chainingKey = this.#chainingKey;
    copy.#key = this.#key;
    copy.#nonce = this.#nonce;
    return copy;
  }

  mixHash(data: Buffer): void {
    this.hash = createHash("sha256").update(this.hash).update(data).digest();
  }

  mixKey(secret: Buffer): void {
    [this.#chainingKey, this.#key] = expand(this.#chainingKey, secret);
    this.#nonce = 0;
  }

  encrypt(plain: Buffer): Buffer {
    const sealed = seal(this.#key, this.#nextNonce(), this.hash, plain);
    this.mixHash(sealed);
    return sealed;
  }

  decrypt(sealed: Buffer): Buffer {
    const plain = open(this.#key, this.#nextNonce(), this.hash, sealed);
    this.mixHash(sealed);
    return plain;
  }

  split(): [Buffer, Buffer] {
    return expand(this.#chainingKey, EMPTY);
  }

  #nextNonce(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(this.#nonce++, 8);
    return nonce;
  }
}

/** Noise section 4.3: HKDF with two outputs. */
function expand(chainingKey: Buffer, input: Buffer): [Buffer, Buffer] {
  const secret = createHmac("sha256", chainingKey).update(input).digest();
  const first = createHmac("sha256", secret).update(Buffer.of(1)).digest();
  const second = createHmac("sha256", secret).update(first).update(Buffer.of(2)).digest();
  return [first, second];
}

function seal(key: Buffer, nonce: Buffer, associated: Buffer, plain: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(associated);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(key: Buffer, nonce: Buffer, associated: Buffer, sealed: Buffer): Buffer {
  if (sealed.length < TAG_BYTES) throw new CodedError("unauthenticated", "opening a handshake: too short");
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new CodedError("unauthenticated", "opening a handshake: not sealed for this key", { cause });
  }
}

function takeKey(message: Buffer): [Buffer, Buffer] {
  if (message.length < KEY_BYTES) throw new CodedError("unauthenticated", "opening a handshake: too short");
  return [message.subarray(0, KEY_BYTES), message.subarray(KEY_BYTES)];
}
