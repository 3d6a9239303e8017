import { createHmac, timingSafeEqual } from "node:crypto";
import { NoiseInitiator, openNoise, type NoiseOpening, type TransportKeys } from "./noise.ts";
import type { KeyPair } from "./types.ts";
import { packetHead, PacketKind, RESET_TOKEN_BYTES, SESSION_ID_BYTES } from "./wire.ts";

const HEAD_BYTES = 2 + SESSION_ID_BYTES;
const PROLOGUE = Buffer.from("berth tunnel 1\n");

/** What the acceptor answers inside message 2. */
export type Welcome =
  | { readonly kind: "accepted"; readonly resetToken: Buffer }
  | { readonly kind: "refused"; readonly reason: string };

/** The dialer's handshake: one message each way. */
export class DialHandshake {
  /** The packet to send, again and again until it is answered. */
  readonly hello: Buffer;
  readonly #noise: NoiseInitiator;

  constructor(identity: KeyPair, peerKey: Buffer, sessionId: Buffer, ticket: string) {
    this.#noise = new NoiseInitiator(identity, peerKey, prologueOf(sessionId));
    const message = this.#noise.start(Buffer.from(JSON.stringify({ ticket })));
    this.hello = Buffer.concat([packetHead(PacketKind.hello, sessionId), message]);
  }

  /** The answer; undefined for a packet that is none, whoever sent it. */
  read(packet: Buffer): { welcome: Welcome; keys: TransportKeys } | undefined {
    if (packet[1] !== PacketKind.welcome) return undefined;
    try {
      const { payload, keys } = this.#noise.finish(packet.subarray(HEAD_BYTES));
      const welcome = parseWelcome(payload.toString());
      return welcome === undefined ? undefined : { welcome, keys };
    } catch {
      return undefined; // forged or damaged: the genuine one may still come
    }
  }
}

/** A hello that was made for this acceptor. It may be a replay. */
export interface Hello {
  readonly sessionId: Buffer;
  readonly peerKey: Buffer;
  /** Tells a hello from every other. */
  readonly ephemeral: string;
  readonly ticket: string;
  answer(welcome: Welcome): { packet: Buffer; keys: TransportKeys };
}

/** Opens a hello; undefined for anything that was not made for this identity. */
export function openHello(identity: KeyPair, packet: Buffer): Hello | undefined {
  if (packet[1] !== PacketKind.hello) return undefined;
  const sessionId = Buffer.from(packet.subarray(2, HEAD_BYTES));
  const opening = tryOpen(identity, packet.subarray(HEAD_BYTES), sessionId);
  const ticket = opening === undefined ? undefined : textField(opening.payload.toString(), "ticket");
  if (opening === undefined || ticket === undefined) return undefined;
  return {
    sessionId,
    peerKey: opening.peerKey,
    ephemeral: opening.ephemeral.toString("base64url"),
    ticket,
    answer: (welcome) => {
      const { message, keys } = opening.answer(Buffer.from(JSON.stringify(encodeWelcome(welcome))));
      return { packet: Buffer.concat([packetHead(PacketKind.welcome, sessionId), message]), keys };
    },
  };
}

/** Proves that whoever says that it does not know a session is its acceptor: nobody else can make it. */
export function resetTokenOf(identity: KeyPair, sessionId: Buffer): Buffer {
  const key = createHmac("sha256", identity.privateKey).update("berth tunnel reset").digest();
  return createHmac("sha256", key).update(sessionId).digest().subarray(0, RESET_TOKEN_BYTES);
}

/** The packet that tells a dialer that its session is not known. */
export function unknownPacket(identity: KeyPair, sessionId: Buffer): Buffer {
  return Buffer.concat([packetHead(PacketKind.unknown, sessionId), resetTokenOf(identity, sessionId)]);
}

/** Whether a packet is the acceptor's word that it does not know the session. */
export function isUnknown(packet: Buffer, resetToken: Buffer): boolean {
  const token = packet.subarray(HEAD_BYTES);
  return (
    packet[1] === PacketKind.unknown &&
    token.length === resetToken.length &&
    timingSafeEqual(token, resetToken)
  );
}

function prologueOf(sessionId: Buffer): Buffer {
  return Buffer.concat([PROLOGUE, sessionId]);
}

function tryOpen(identity: KeyPair, message: Buffer, sessionId: Buffer): NoiseOpening | undefined {
  try {
    return openNoise(identity, message, prologueOf(sessionId));
  } catch {
    return undefined; // not for us: silence is the answer
  }
}

function encodeWelcome(welcome: Welcome): Record<string, string> {
  if (welcome.kind === "refused") return { refused: welcome.reason };
  return { resetToken: welcome.resetToken.toString("base64url") };
}

function parseWelcome(json: string): Welcome | undefined {
  const reason = textField(json, "refused");
  if (reason !== undefined) return { kind: "refused", reason };
  const token = textField(json, "resetToken");
  return token === undefined ? undefined : { kind: "accepted", resetToken: Buffer.from(token, "base64url") };
}

function textField(json: string, name: string): string | undefined {
  try {
    const fields: unknown = JSON.parse(json);
    if (typeof fields !== "object" || fields === null) return undefined;
    const value: unknown = Object.entries(fields).find(([key]) => key === name)?.[1];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined; // not JSON
  }
}
