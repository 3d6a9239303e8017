import { generateKeyPairSync } from "node:crypto";
import { generateKeyPair } from "@berth/derp";
import { eventually } from "@berth/testing";
import { type TicketClaims, signTicket } from "@berth/tunnel";
import { expect, test } from "vitest";
import { byTicket } from "../src/admission.ts";
import { DerpClient } from "./derp-client.ts";
import { startRelay } from "./start-relay.ts";

const pair = generateKeyPairSync("ed25519");
const signing = { id: "now", privateKey: pair.privateKey.export({ format: "der", type: "pkcs8" }) };
const checking = {
  id: "now",
  publicKey: pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32),
};
const admission = byTicket("ours", () => [checking]);

const HOUR_MS = 3_600_000;

function ticketFor(bearer: Buffer, change: Partial<TicketClaims> = {}): string {
  const now = Date.now();
  const claims: TicketClaims = {
    ticketId: "t",
    kind: "relay",
    bearerKey: bearer.toString("hex"),
    deploymentId: "ours",
    issuedAt: now,
    startBefore: now - HOUR_MS, // of no concern to a relay
    relayUntil: now + HOUR_MS,
    ...change,
  };
  return signTicket(claims, signing);
}

test("a client with a ticket of its own key is admitted, and hears of every unknown key", async () => {
  await using running = await startRelay(admission);
  const keys = generateKeyPair();
  using client = await DerpClient.connect(running.url, {
    keys,
    said: { berthTicket: ticketFor(keys.publicKey) },
  });
  client.send(generateKeyPair().publicKey, "no discovery packet");
  await eventually(() => expect(client.peersGone).toHaveLength(1));
});

const keys = generateKeyPair();

test.each([
  ["without a ticket", undefined, "no ticket"],
  ["with another's ticket", ticketFor(generateKeyPair().publicKey), "foreign_bearer"],
  [
    "with a ticket that relays took until now",
    ticketFor(keys.publicKey, { relayUntil: Date.now() }),
    "expired_relay",
  ],
  [
    "with a ticket of another deployment",
    ticketFor(keys.publicKey, { deploymentId: "theirs" }),
    "foreign_deployment",
  ],
  [
    "with a ticket that was tampered with",
    ticketFor(keys.publicKey).replace(/.{8}$/, "AAAAAAAA"),
    "bad_signature",
  ],
  ["with nonsense for a ticket", "nonsense", "malformed"],
])("a client %s is told why and closed", async (_what, berthTicket, reason) => {
  await using running = await startRelay(admission);
  const said = berthTicket === undefined ? {} : { berthTicket };
  const client = new DerpClient(running.url, { keys, said });
  await client.closed;
  expect(client.frames.at(-1)).toEqual({ kind: "health", problem: `refused: ${reason}` });
  expect(running.relay.tally.refusals).toBe(1);
  expect(running.relay.connectionCount).toBe(0);
});
