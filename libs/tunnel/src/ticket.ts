import { createPrivateKey, sign, verify } from "node:crypto";
import { okpPublic } from "./keys.ts";
import { parseClaims } from "./ticket-claims.ts";
import type { TicketClaims } from "./types.ts";

// A ticket is `base64url(JSON {kid, …claims}) "." base64url(Ed25519 signature)`. What is signed is CONTEXT and the first part:
// the same key could never be led to sign a ticket while it believed to sign something else.
const CONTEXT = "berth ticket v1\n";

/** A longer token is malformed, whatever it says: relays see it before anything is proven. */
export const MAX_TICKET_BYTES = 4096;

/** What signs tickets: an Ed25519 private key in PKCS#8 DER. */
export interface TicketSigningKey {
  readonly id: string;
  readonly privateKey: Buffer;
}

/** What checks tickets: a raw Ed25519 public key of 32 bytes. */
export interface TicketKey {
  readonly id: string;
  readonly publicKey: Buffer;
}

/** What a ticket is shown for. Each purpose has its own end: `startBefore` at an agent, `relayUntil` at a relay. */
export interface TicketUse {
  readonly purpose: "start" | "relay";
  /** The server's clock, Unix milliseconds. */
  readonly now: number;
  readonly deploymentId?: string | undefined;
  /** Who shows it, hex: known once it has proved its key. */
  readonly bearerKey?: string | undefined;
  /** The agent it is shown to. */
  readonly agentId?: string | undefined;
  readonly agentKey?: string | undefined;
}

/** Why a ticket is refused. */
export type TicketRefusal =
  | "malformed"
  | "unknown_key"
  | "bad_signature"
  | "expired_start"
  | "expired_relay"
  | "wrong_kind"
  | "foreign_deployment"
  | "foreign_agent"
  | "foreign_bearer";

/** The claims of a good ticket, or why it is refused. */
export type TicketVerdict =
  | { readonly valid: true; readonly claims: TicketClaims }
  | { readonly valid: false; readonly reason: TicketRefusal };

/** Signs claims into the token that rides in handshakes. */
export function signTicket(claims: TicketClaims, key: TicketSigningKey): string {
  const body = Buffer.from(JSON.stringify({ kid: key.id, ...claims })).toString("base64url");
  const privateKey = createPrivateKey({ key: key.privateKey, format: "der", type: "pkcs8" });
  return `${body}.${sign(null, Buffer.from(CONTEXT + body), privateKey).toString("base64url")}`;
}

/** Checks a token offline: signature first, then what it is good for. It never throws. */
export function verifyTicket(token: string, keys: readonly TicketKey[], use: TicketUse): TicketVerdict {
  const parsed = token.length <= MAX_TICKET_BYTES ? parseToken(token) : undefined;
  if (parsed === undefined) return { valid: false, reason: "malformed" };
  const key = keys.find(({ id }) => id === parsed.keyId);
  if (key === undefined) return { valid: false, reason: "unknown_key" };
  if (!verify(null, parsed.signed, okpPublic("Ed25519", key.publicKey), parsed.signature))
    return { valid: false, reason: "bad_signature" };
  const reason = refusal(parsed.claims, use);
  return reason === undefined ? { valid: true, claims: parsed.claims } : { valid: false, reason };
}

function refusal(claims: TicketClaims, use: TicketUse): TicketRefusal | undefined {
  const foreign = (claimed: string | undefined, actual: string | undefined) =>
    actual !== undefined && claimed !== actual;
  if (foreign(claims.deploymentId, use.deploymentId)) return "foreign_deployment";
  if (foreign(claims.bearerKey, use.bearerKey)) return "foreign_bearer";
  if (use.purpose === "relay") return use.now < claims.relayUntil ? undefined : "expired_relay";
  if (claims.kind !== "session") return "wrong_kind";
  if (foreign(claims.agentId, use.agentId) || foreign(claims.agentKey, use.agentKey)) return "foreign_agent";
  return use.now < claims.startBefore ? undefined : "expired_start";
}

function parseToken(token: string) {
  const [body, signature, ...rest] = token.split(".");
  if (body === undefined || signature === undefined || rest.length > 0) return undefined;
  const parsed = parseClaims(Buffer.from(body, "base64url").toString());
  if (parsed === undefined) return undefined;
  return { ...parsed, signed: Buffer.from(CONTEXT + body), signature: Buffer.from(signature, "base64url") };
}
