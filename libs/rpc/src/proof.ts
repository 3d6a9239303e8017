import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { CodedError } from "@berth/std";

// How a process proves the deployment key to a sibling without sending it.
//
//   caller → server   Challenge(caller nonce)
//   server → caller   server nonce, HMAC(key, "server" ‖ caller nonce ‖ server nonce)
//   caller → server   the call, with metadata: caller nonce ‖ server nonce ‖ HMAC(key, "caller" ‖ path ‖ both nonces)
//
// Invariants
//   K1  A proof opens one call of one method at the process that gave the nonce, once, within 30 s of that process's clock.
//   K2  The server keeps nothing for a challenge (a stranger may ask for any number); it remembers proofs that were valid.
//   K3  The caller speaks to nobody who has not proved the key to it.

const NONCE = 32;
const MAC = 32;
const LIFE_MS = 30_000;

/** The caller's nonce of one challenge. */
export function newNonce(): Buffer {
  return randomBytes(NONCE);
}

/** The caller's side: checks the server's answer (K3) and makes the proof for one call. */
export function proveKey(key: Buffer, path: string, callerNonce: Buffer, answer: Buffer): string {
  const serverNonce = answer.subarray(0, -MAC);
  const expected = mac(key, "server", callerNonce, serverNonce);
  if (answer.length <= MAC || !timingSafeEqual(expected, answer.subarray(-MAC)))
    throw new CodedError(
      "unauthenticated",
      "the other side does not hold this deployment's key: both processes must use the same database",
    );
  const proof = mac(key, `caller ${path}`, callerNonce, serverNonce);
  return Buffer.concat([callerNonce, serverNonce, proof]).toString("base64url");
}

/** The server's side of the challenge, for one process. */
export class KeyHolder {
  readonly #secret = randomBytes(32);
  readonly #used = new Map<string, number>();
  readonly #now: () => number;
  #key: Buffer | undefined;

  /** @param now for tests: a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  trust(key: Buffer): void {
    this.#key = key;
  }

  /** Answers a challenge: a nonce that only this process can have made, and the proof that it holds the key. */
  answer(callerNonce: Buffer): Buffer {
    const key = this.#trusted();
    if (callerNonce.length !== NONCE)
      throw new CodedError("invalid_argument", `a challenge has ${NONCE} bytes`);
    const body = Buffer.alloc(8 + 16);
    body.writeDoubleBE(this.#now());
    randomBytes(16).copy(body, 8);
    const serverNonce = Buffer.concat([body, mac(this.#secret, "nonce", body)]); // K2
    return Buffer.concat([serverNonce, mac(key, "server", callerNonce, serverNonce)]);
  }

  /** @throws CodedError unless the proof opens this call. */
  check(path: string, proof: string | undefined): void {
    const key = this.#trusted();
    if (proof === undefined)
      throw new CodedError("unauthenticated", `${path} is for processes that hold the deployment key`);
    const bytes = Buffer.from(proof, "base64url");
    const callerNonce = bytes.subarray(0, NONCE);
    const serverNonce = bytes.subarray(NONCE, -MAC);
    const expected = mac(key, `caller ${path}`, callerNonce, serverNonce);
    if (bytes.length <= NONCE + MAC || !timingSafeEqual(expected, bytes.subarray(-MAC)))
      throw new CodedError("unauthenticated", "the caller does not hold this deployment's key");
    this.#useOnce(serverNonce);
  }

  #trusted(): Buffer {
    if (this.#key === undefined)
      throw new CodedError("unavailable", "this process has not read the deployment key yet");
    return this.#key;
  }

  /** K1. A nonce of another process is no forgery: the balancer sent the call elsewhere than the challenge. */
  #useOnce(serverNonce: Buffer): void {
    const body = serverNonce.subarray(0, 24);
    const own = mac(this.#secret, "nonce", body);
    if (serverNonce.length !== 24 + MAC || !timingSafeEqual(own, serverNonce.subarray(24)))
      throw new CodedError("unavailable", "the proof was made for another process: ask again");
    const now = this.#now();
    if (now - body.readDoubleBE() > LIFE_MS)
      throw new CodedError("unavailable", "the proof is too old: ask again");
    for (const [nonce, until] of this.#used) {
      if (until > now) break; // oldest first
      this.#used.delete(nonce);
    }
    const name = body.toString("latin1");
    if (this.#used.has(name)) throw new CodedError("unauthenticated", "the proof was used before");
    this.#used.set(name, now + LIFE_MS);
  }
}

function mac(key: Buffer, purpose: string, ...parts: readonly Buffer[]): Buffer {
  const hmac = createHmac("sha256", key).update(purpose).update("\0");
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}
