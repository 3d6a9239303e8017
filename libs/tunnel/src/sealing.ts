import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import { nextKey } from "./noise.ts";
import { PacketKind, SEALED_HEADER_BYTES, SESSION_ID_BYTES, TAG_BYTES, WIRE_VERSION } from "./wire.ts";

// Each direction has its own key, followed by others: the sender moves to the next one by itself and says so in the header's
// key phase.
// Invariants
//   K1  A nonce is path | number, and a number is used once per path: no nonce is ever used twice under one key.
//   K2  The sender is never two phases ahead of what its peer has acknowledged, for the peer looks one phase ahead only.

const REKEY_PACKETS = 1 << 20;
const REKEY_MS = 10 * 60_000;
const KIND_AT = 1;
const PHASE_AT = 2 + SESSION_ID_BYTES;
const PATH_AT = PHASE_AT + 1;
const NUMBER_AT = PATH_AT + 4;

/** When a sender moves to its next key. */
export interface RekeyPolicy {
  readonly packets: number;
  readonly ms: number;
}

/** Seals packets of one direction. */
export class PacketSealer {
  readonly #header = Buffer.alloc(SEALED_HEADER_BYTES);
  readonly #nonce = Buffer.alloc(12);
  readonly #policy: RekeyPolicy;
  #raw: Buffer;
  #key: KeyObject;
  #phase = 0;
  #isConfirmed = false;
  #packets = 0;
  #since = performance.now();

  constructor(
    key: Buffer,
    sessionId: Buffer,
    policy: RekeyPolicy = { packets: REKEY_PACKETS, ms: REKEY_MS },
  ) {
    this.#raw = key;
    this.#key = createSecretKey(key);
    this.#policy = policy;
    this.#header[0] = WIRE_VERSION;
    this.#header[KIND_AT] = PacketKind.sealed;
    sessionId.copy(this.#header, 2);
  }

  /** The phase of the last packet sealed. */
  get phase(): number {
    return this.#phase;
  }

  /** The peer has acknowledged a packet of this phase. */
  confirm(phase: number): void {
    if (phase === this.#phase) this.#isConfirmed = true;
  }

  /** The packet in three parts: header, sealed bytes, authenticator. */
  seal(path: number, number: number, plain: Buffer): [Buffer, Buffer, Buffer] {
    this.#moveOn();
    const header = Buffer.from(this.#header);
    header[PHASE_AT] = this.#phase & 0xff;
    header.writeUInt32BE(path, PATH_AT);
    header.writeUIntBE(number, NUMBER_AT, 6);
    writeNonce(this.#nonce, path, number);
    const cipher = createCipheriv("aes-256-gcm", this.#key, this.#nonce);
    cipher.setAAD(header);
    const sealed = cipher.update(plain);
    cipher.final();
    return [header, sealed, cipher.getAuthTag()];
  }

  #moveOn(): void {
    this.#packets += 1;
    if (!this.#isConfirmed) return; // K2
    if (this.#packets < this.#policy.packets && performance.now() - this.#since < this.#policy.ms) return;
    this.#raw = nextKey(this.#raw);
    this.#key = createSecretKey(this.#raw);
    this.#phase += 1;
    this.#isConfirmed = false;
    this.#packets = 0;
    this.#since = performance.now();
  }
}

/** What an authentic packet held. */
export interface OpenedPacket {
  readonly path: number;
  readonly number: number;
  readonly plain: Buffer;
}

interface PhaseKey {
  readonly phase: number;
  readonly raw: Buffer;
  readonly key: KeyObject;
}

/** Opens packets of the other direction, under the key before, the present one and the next. */
export class PacketOpener {
  readonly #nonce = Buffer.alloc(12);
  #previous: PhaseKey | undefined;
  #present: PhaseKey;
  #next: PhaseKey;

  constructor(key: Buffer) {
    this.#present = { phase: 0, raw: key, key: createSecretKey(key) };
    this.#next = following(this.#present);
  }

  /** Undefined for what nobody who holds the key has sealed. */
  open(packet: Buffer): OpenedPacket | undefined {
    if (packet.length < SEALED_HEADER_BYTES + TAG_BYTES) return undefined;
    const candidate = [this.#present, this.#next, this.#previous].find(
      (held) => held !== undefined && (held.phase & 0xff) === packet[PHASE_AT],
    );
    if (candidate === undefined) return undefined;
    const path = packet.readUInt32BE(PATH_AT);
    const number = packet.readUIntBE(NUMBER_AT, 6);
    writeNonce(this.#nonce, path, number);
    const plain = this.#unseal(candidate.key, packet);
    if (plain === undefined) return undefined;
    if (candidate === this.#next) {
      this.#previous = this.#present;
      this.#present = candidate;
      this.#next = following(candidate);
    }
    return { path, number, plain };
  }

  #unseal(key: KeyObject, packet: Buffer): Buffer | undefined {
    const decipher = createDecipheriv("aes-256-gcm", key, this.#nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(packet.subarray(0, SEALED_HEADER_BYTES));
    decipher.setAuthTag(packet.subarray(-TAG_BYTES));
    const plain = decipher.update(packet.subarray(SEALED_HEADER_BYTES, -TAG_BYTES));
    try {
      decipher.final();
      return plain;
    } catch {
      return undefined; // forged or damaged: as if it had not come
    }
  }
}

function following(held: PhaseKey): PhaseKey {
  const raw = nextKey(held.raw);
  return { phase: held.phase + 1, raw, key: createSecretKey(raw) };
}

function writeNonce(into: Buffer, path: number, number: number): void {
  into.writeUInt32BE(path, 0);
  into.writeUIntBE(number, 6, 6);
}
