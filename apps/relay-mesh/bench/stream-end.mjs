// One end of the stream that stalls.mjs watches: the client sends numbers, the agent counts them and the longest pause between.
import { createPrivateKey, createPublicKey } from "node:crypto";
import { RelayConnection, accept, dial, generateKeyPair, signTicket } from "@berth/tunnel";

const [role, port, agentKey] = process.argv.slice(2);
const EVERY_MS = 5;
const NUMBERS = 4096; // 16 KiB
const identity = generateKeyPair();
const relays = [{ url: `http://127.0.0.1:${port}`, regionId: 999, regionName: "bench" }];
const relay = new RelayConnection({ identity, relays: () => relays, ticket: () => undefined });
process.on("disconnect", () => process.exit(0));

// The same key pair in both processes: what signs tickets is not what is measured.
const seed = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 5)]);
if (role === "agent") serve();
else await send();

function serve() {
  let next = 0;
  let inOrder = true;
  let rest = Buffer.alloc(0);
  let heardAt;
  let longestMs = 0;
  const hear = (data) => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - (heardAt ?? now));
    heardAt = now;
    const bytes = Buffer.concat([rest, data]);
    const end = bytes.length - (bytes.length % 4);
    for (let at = 0; at < end; at += 4) inOrder &&= bytes.readUInt32BE(at) === next++;
    rest = bytes.subarray(end);
  };
  accept({
    relay,
    deploymentId: "d",
    agentId: "a",
    ticketKeys: () => [{ id: "k", publicKey: publicKeyOf(seed) }],
    serverNow: Date.now,
    onSession: (session) => session.onStream((stream) => stream.on("data", hear)),
  });
  const listening = relay.listen({
    up: () => {
      process.send({ agentKey: identity.publicKey.toString("hex") });
      queueMicrotask(() => listening[Symbol.dispose]());
    },
  });
  process.on("message", () => {
    process.send({ longestMs: Math.max(longestMs, performance.now() - (heardAt ?? Infinity)), inOrder });
    longestMs = 0;
  });
}

async function send() {
  const now = Date.now();
  const claims = {
    ...{
      ticketId: "t",
      kind: "session",
      deploymentId: "d",
      agentId: "a",
      agentKey,
      permissions: ["speedtest"],
    },
    ...{ issuedAt: now, startBefore: now + 60_000, relayUntil: now + 600_000 },
    bearerKey: identity.publicKey.toString("hex"),
  };
  const ticket = signTicket(claims, { id: "k", privateKey: seed });
  const session = await dial({ relay, peerKey: Buffer.from(agentKey, "hex"), ticket });
  const stream = await session.open({ service: "speedtest" });
  let next = 0;
  process.send("open");
  setInterval(() => {
    if (stream.writableNeedDrain) return;
    const numbers = Buffer.alloc(4 * NUMBERS);
    for (let at = 0; at < NUMBERS; at += 1) numbers.writeUInt32BE(next++, 4 * at);
    stream.write(numbers);
  }, EVERY_MS);
}

function publicKeyOf(key) {
  const { x } = createPublicKey(createPrivateKey({ key, format: "der", type: "pkcs8" })).export({
    format: "jwk",
  });
  return Buffer.from(x, "base64url");
}
