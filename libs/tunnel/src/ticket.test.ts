import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { generateKeyPair } from "@berth/derp";
import { MAX_TICKET_BYTES, signTicket, verifyTicket, type TicketUse } from "./ticket.ts";
import type { TicketClaims } from "./types.ts";

function makeKey(id: string) {
  const pair = generateKeyPairSync("ed25519");
  const x = pair.publicKey.export({ format: "jwk" }).x ?? "";
  const privateKey = pair.privateKey.export({ format: "der", type: "pkcs8" });
  return { id, publicKey: Buffer.from(x, "base64url"), privateKey };
}

const key = makeKey("k1");
const now = 1_000_000;
const claims: TicketClaims = {
  ticketId: "t-1",
  kind: "session",
  bearerKey: generateKeyPair().publicKey.toString("hex"),
  deploymentId: "d-1",
  issuedAt: now,
  startBefore: now + 120_000,
  relayUntil: now + 43_200_000,
  agentId: "a-1",
  agentKey: generateKeyPair().publicKey.toString("hex"),
  userId: "u-1",
  permissions: ["ssh", "tcp"],
};
const atAgent: TicketUse = {
  purpose: "start",
  now,
  deploymentId: "d-1",
  bearerKey: claims.bearerKey,
  agentId: "a-1",
  agentKey: claims.agentKey,
};
const atRelay: TicketUse = { purpose: "relay", now, deploymentId: "d-1", bearerKey: claims.bearerKey };
const refused = (reason: string) => ({ valid: false, reason });

test("a signed ticket is good at its agent and at a relay, and says what was signed", () => {
  const token = signTicket(claims, key);
  expect(verifyTicket(token, [makeKey("k0"), key], atAgent)).toEqual({ valid: true, claims });
  expect(verifyTicket(token, [key], atRelay)).toEqual({ valid: true, claims });
});

test("each of the two times ends its own purpose only", () => {
  const token = signTicket(claims, key);
  const late = claims.startBefore;
  expect(verifyTicket(token, [key], { ...atAgent, now: late - 1 }).valid).toBe(true);
  expect(verifyTicket(token, [key], { ...atAgent, now: late })).toEqual(refused("expired_start"));
  expect(verifyTicket(token, [key], { ...atRelay, now: late }).valid).toBe(true);
  expect(verifyTicket(token, [key], { ...atRelay, now: claims.relayUntil })).toEqual(
    refused("expired_relay"),
  );
});

test("a ticket of another deployment, agent, agent key or bearer is foreign, and says which", () => {
  const token = signTicket(claims, key);
  const judge = (use: TicketUse) => verifyTicket(token, [key], use);
  expect(judge({ ...atAgent, deploymentId: "d-2" })).toEqual(refused("foreign_deployment"));
  expect(judge({ ...atAgent, agentId: "a-2" })).toEqual(refused("foreign_agent"));
  expect(judge({ ...atAgent, agentKey: claims.bearerKey })).toEqual(refused("foreign_agent"));
  expect(judge({ ...atRelay, bearerKey: "00" })).toEqual(refused("foreign_bearer"));
});

test("a relay's ticket opens no session", () => {
  const token = signTicket({ ...claims, kind: "relay" }, key);
  expect(verifyTicket(token, [key], atAgent)).toEqual(refused("wrong_kind"));
  expect(verifyTicket(token, [key], atRelay).valid).toBe(true);
});

test("a ticket signed by another key under a known name is forged", () => {
  const token = signTicket(claims, makeKey("k1"));
  expect(verifyTicket(token, [key], atAgent)).toEqual(refused("bad_signature"));
  expect(verifyTicket(signTicket(claims, makeKey("k9")), [key], atAgent)).toEqual(refused("unknown_key"));
});

test("changed claims are refused though the signature is genuine", () => {
  const [, signature] = signTicket(claims, key).split(".");
  const changed = Buffer.from(JSON.stringify({ kid: "k1", ...claims, userId: "root" })).toString("base64url");
  expect(verifyTicket(`${changed}.${signature ?? ""}`, [key], atAgent)).toEqual(refused("bad_signature"));
});

test("any text and any changed byte is refused without a throw", () => {
  const token = signTicket(claims, key);
  fc.assert(fc.property(fc.string(), (text) => !verifyTicket(text, [key], atAgent).valid));
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom("A", "z", "-", ".", "\u0000"), (at, letter) => {
      const changed = token.slice(0, at) + letter + token.slice(at + 1);
      // The last letter of base64url has bits that decode to nothing: a change there may be no change.
      const same = Buffer.from(changed.split(".")[1] ?? "", "base64url");
      const genuine = changed.split(".")[0] === token.split(".")[0];
      const unchanged = genuine && same.equals(Buffer.from(token.split(".")[1] ?? "", "base64url"));
      return unchanged || !verifyTicket(changed, [key], atAgent).valid;
    }),
  );
});

test("an overlong token is malformed before anything is parsed", () => {
  const token = signTicket({ ...claims, userId: "u".repeat(MAX_TICKET_BYTES) }, key);
  expect(verifyTicket(token, [key], atAgent)).toEqual(refused("malformed"));
});

test("a field of the wrong type is malformed, a service of a newer release is dropped", () => {
  const odd = { ...claims, permissions: ["ssh", "teleport"] } as unknown as TicketClaims;
  expect(verifyTicket(signTicket(odd, key), [key], atAgent)).toEqual({
    valid: true,
    claims: { ...claims, permissions: ["ssh"] },
  });
  const wrong = { ...claims, startBefore: "soon" } as unknown as TicketClaims;
  expect(verifyTicket(signTicket(wrong, key), [key], atAgent)).toEqual(refused("malformed"));
});
