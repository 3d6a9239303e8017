import { generateKeyPairSync, randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { eventually, expectNoLeaks, FaultyProxy } from "@berth/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  accept,
  dial,
  generateKeyPair,
  RelayConnection,
  signTicket,
  type Acceptor,
  type RelayAddress,
  type Session,
  type TicketClaims,
} from "../src/index.ts";
import { DialHandshake } from "../src/hello.ts";
import { TestRegion, type TestRelayNode } from "./test-relay.ts";

const signing = generateKeyPairSync("ed25519");
const signingKey = {
  id: "k1",
  privateKey: signing.privateKey.export({ format: "der", type: "pkcs8" }),
  publicKey: Buffer.from(signing.publicKey.export({ format: "jwk" }).x ?? "", "base64url"),
};

expectNoLeaks();

let region: TestRegion;
let home: TestRelayNode;
let spare: TestRelayNode;
let releases: (() => unknown)[];

beforeEach(async () => {
  region = new TestRegion();
  home = await region.startNode();
  spare = await region.startNode();
  releases = [];
});

afterEach(async () => {
  for (const release of releases.reverse()) await release();
  await region[Symbol.asyncDispose]();
});

function connectRelay(options: { relays?: () => RelayAddress[]; ticket?: () => string | undefined } = {}) {
  const relay = new RelayConnection({
    identity: generateKeyPair(),
    relays: options.relays ?? (() => [home.address, spare.address]),
    ticket: options.ticket ?? (() => undefined),
  });
  releases.push(() => relay.close());
  return relay;
}

function startAgent(
  options: { relay?: RelayConnection; serverNow?: () => number; revoked?: () => boolean } = {},
) {
  const relay = options.relay ?? connectRelay();
  const sessions: Session[] = [];
  const acceptor: Acceptor = accept({
    relay,
    deploymentId: "d-1",
    agentId: "a-1",
    ticketKeys: () => [signingKey],
    serverNow: options.serverNow ?? Date.now,
    isRevoked: options.revoked ?? (() => false),
    onSession: (session) => {
      sessions.push(session);
      session.onStream((stream) => stream.pipe(stream)); // echoes
    },
  });
  releases.push(() => acceptor.close());
  return { relay, sessions, acceptor };
}

function ticketFor(
  client: RelayConnection,
  agent: RelayConnection,
  changes: Partial<TicketClaims> = {},
): string {
  const now = Date.now();
  const claims: TicketClaims = {
    ticketId: "t-1",
    kind: "session",
    bearerKey: client.identity.publicKey.toString("hex"),
    deploymentId: "d-1",
    issuedAt: now,
    startBefore: now + 120_000,
    relayUntil: now + 43_200_000,
    agentId: "a-1",
    agentKey: agent.identity.publicKey.toString("hex"),
    userId: "u-1",
    permissions: ["ssh", "tcp"],
    ...changes,
  };
  return signTicket(claims, signingKey);
}

async function openSession(
  client: RelayConnection,
  agent: RelayConnection,
  changes: Partial<TicketClaims> = {},
) {
  const session = await dial({
    relay: client,
    peerKey: agent.identity.publicKey,
    ticket: ticketFor(client, agent, changes),
    timeoutMs: 10_000,
  });
  releases.push(() => session.close());
  return session;
}

/** Sends bytes through the echo in pieces and answers what came back; `during` runs when a part of it has passed. */
async function echo(session: Session, bytes: Buffer, during?: () => unknown): Promise<Buffer> {
  const stream = await session.open({ service: "tcp", port: 1 });
  const heard: Buffer[] = [];
  let count = 0;
  let isStruck = during === undefined;
  stream.on("data", (data: Buffer) => {
    heard.push(data);
    count += data.length;
    if (isStruck || count < bytes.length / 4) return;
    isStruck = true;
    void during?.();
  });
  for (let at = 0; at < bytes.length; at += 65_536)
    if (!stream.write(bytes.subarray(at, at + 65_536)))
      await new Promise((resolve) => stream.once("drain", resolve));
  stream.end();
  await new Promise((resolve, reject) => stream.once("end", resolve).once("error", reject));
  return Buffer.concat(heard);
}

test("a session carries streams both ways over a relay that reads nothing of them", async () => {
  const agent = startAgent();
  const client = connectRelay();
  const session = await openSession(client, agent.relay);
  const stream = await session.open({ service: "ssh" });
  stream.end("a secret that nobody may read");
  expect(await text(stream)).toBe("a secret that nobody may read");
  expect(agent.sessions).toHaveLength(1);
  expect(agent.sessions[0]?.ticket?.userId).toBe("u-1");
  expect(session.measures.roundTripMs).toBeGreaterThan(0);
  const passed = Buffer.concat(region.packets.map(({ packet }) => packet));
  expect(passed.includes("secret")).toBe(false);
  expect(passed.includes("t-1")).toBe(false);
});

test.each(["the client's relay", "the agent's relay"])(
  "%s is killed in the middle of a transfer: every byte arrives, in order, in the same session",
  async (whose) => {
    const agentHome = whose === "the agent's relay" ? home : spare;
    const other = agentHome === home ? spare : home;
    const agent = startAgent({
      relay: connectRelay({ relays: () => [agentHome.address, other.address] }),
    });
    const client = connectRelay({ relays: () => [other.address, agentHome.address] });
    const session = await openSession(client, agent.relay);
    const bytes = randomBytes(8 << 20);
    expect((await echo(session, bytes, () => home.kill())).equals(bytes)).toBe(true);
    expect(agent.sessions).toHaveLength(1);
    expect(home.clientCount).toBe(0);
  },
);

test("a relay that restarts is left only when its client is connected elsewhere, and nothing is lost", async () => {
  const agent = startAgent();
  const client = connectRelay();
  const session = await openSession(client, agent.relay);
  const downs: string[] = [];
  client.listen({ down: (reason) => downs.push(reason) });
  const bytes = randomBytes(4 << 20);
  expect((await echo(session, bytes, () => home.restart())).equals(bytes)).toBe(true);
  await eventually(() => expect(spare.clientCount).toBe(2));
  await eventually(() => expect(client.address?.url).toBe(spare.address.url)); // the relay counts it before it hears so
  expect(downs).toEqual([]);
});

test("a relay that falls silent is found out and replaced", async () => {
  const agent = startAgent();
  const client = connectRelay();
  const session = await openSession(client, agent.relay);
  home.isSilent = true;
  const bytes = randomBytes(100_000);
  expect((await echo(session, bytes)).equals(bytes)).toBe(true);
  expect(client.address?.url).toBe(spare.address.url);
});

test("where the upgrade is stripped a WebSocket takes its place, and is taken at once the next time", async () => {
  home.stripsUpgrades = true;
  const agent = startAgent({ relay: connectRelay({ relays: () => [home.address] }) });
  const client = connectRelay({ relays: () => [home.address] });
  const session = await openSession(client, agent.relay);
  const bytes = randomBytes(1 << 20);
  expect((await echo(session, bytes)).equals(bytes)).toBe(true);
  expect(home.upgrades.slice(0, 2).sort()).toEqual(["DERP", "DERP"]);
  const third = connectRelay({ relays: () => [home.address] });
  await eventually(() => expect(third.isUp).toBe(true));
  expect(home.upgrades.at(-1)).toBe("websocket");
});

test("a WebSocket can be forced", async () => {
  const relay = connectRelay({ relays: () => [{ ...home.address, forceWebSocket: true }] });
  await eventually(() => expect(relay.isUp).toBe(true));
  expect(home.upgrades).toEqual(["websocket"]);
});

test("a relay that refuses the ticket ends the dial with its reason, and a renewed ticket is used by itself", async () => {
  const agent = startAgent();
  await eventually(() => expect(agent.relay.isUp).toBe(true));
  region.refuse = (ticket) => (ticket === "good" ? undefined : "expired_relay");
  let ticket = "old";
  const client = connectRelay({ ticket: () => ticket });
  await expect(openSession(client, agent.relay)).rejects.toMatchObject({
    code: "unauthenticated",
    message: expect.stringContaining("expired_relay") as string,
  });
  ticket = "good";
  await eventually(() => expect(client.isUp).toBe(true));
});

test.each([
  ["expired_start", { startBefore: Date.now() - 1 }],
  ["foreign_agent", { agentId: "a-2" }],
  ["foreign_agent", { agentKey: "00".repeat(32) }],
  ["foreign_bearer", { bearerKey: "00".repeat(32) }],
  ["foreign_deployment", { deploymentId: "d-2" }],
  ["wrong_kind", { kind: "relay" as const }],
])("an agent refuses a ticket that is %s, and says so", async (reason, changes) => {
  const agent = startAgent();
  const client = connectRelay();
  await expect(openSession(client, agent.relay, changes)).rejects.toMatchObject({
    code: "unauthenticated",
    fields: { reason },
  });
  expect(agent.acceptor.sessions).toEqual([]);
});

test("a ticket that has been revoked opens nothing", async () => {
  const agent = startAgent({ revoked: () => true });
  await expect(openSession(connectRelay(), agent.relay)).rejects.toMatchObject({
    fields: { reason: "revoked" },
  });
});

test("a stream that the ticket does not permit is refused", async () => {
  const agent = startAgent();
  const session = await openSession(connectRelay(), agent.relay, { permissions: ["tcp"] });
  const stream = await session.open({ service: "ssh" });
  const error = await new Promise((resolve) => stream.once("error", resolve));
  expect(error).toMatchObject({ code: "permission_denied" });
});

test("a replayed hello does nothing", async () => {
  const agent = startAgent();
  const client = connectRelay();
  const session = await openSession(client, agent.relay);
  expect(await echo(session, Buffer.from("alive"))).toEqual(Buffer.from("alive"));
  const hello = region.packets.find(({ packet }) => packet[1] === 1);
  for (let time = 0; time < 5; time++) agent.relay.switchboard.receive(hello!.packet, Buffer.alloc(32));
  await session.close();
  await eventually(() => expect(agent.acceptor.sessions).toEqual([]));
  for (let time = 0; time < 5; time++) agent.relay.switchboard.receive(hello!.packet, Buffer.alloc(32));
  expect(agent.sessions).toHaveLength(1);
});

test("a second session of an id that is taken is refused, and the first goes on", async () => {
  const agent = startAgent();
  const session = await openSession(connectRelay(), agent.relay);
  expect(await echo(session, Buffer.from("first"))).toEqual(Buffer.from("first"));
  const other = connectRelay();
  await eventually(() => expect(other.isUp).toBe(true));
  const id = Buffer.from(session.id, "hex");
  const handshake = new DialHandshake(
    other.identity,
    agent.relay.identity.publicKey,
    id,
    ticketFor(other, agent.relay),
  );
  const answer = new Promise((resolve) =>
    other.switchboard.register(id, (packet) => resolve(handshake.read(packet)?.welcome)),
  );
  other.send(agent.relay.identity.publicKey, handshake.hello);
  expect(await answer).toEqual({ kind: "refused", reason: "the session's id is taken" });
  expect(await echo(session, Buffer.from("still"))).toEqual(Buffer.from("still"));
  expect(agent.sessions).toHaveLength(1);
});

test("ending a user's sessions ends them at the client too, with the reason", async () => {
  const agent = startAgent();
  const mine = await openSession(connectRelay(), agent.relay);
  const other = await openSession(connectRelay(), agent.relay, { userId: "u-2" });
  await eventually(() => expect(agent.acceptor.sessions).toHaveLength(2));
  agent.acceptor.endSessions(({ userId }) => userId === "u-1", "access was taken away");
  expect(await mine.ended).toEqual({ kind: "closed", by: "peer", reason: "access was taken away" });
  expect(await echo(other, Buffer.from("still here"))).toEqual(Buffer.from("still here"));
});

test("a session ends with its last ticket, and a renewed one carries it on", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  releases.push(() => vi.useRealTimers());
  let serverNow = Date.now();
  const agent = startAgent({ serverNow: () => serverNow });
  const client = connectRelay();
  const session = await openSession(client, agent.relay);
  expect(await echo(session, Buffer.from("alive"))).toEqual(Buffer.from("alive"));
  serverNow += 13 * 3_600_000;
  const relayUntil = serverNow + 60_000;
  session.renew(ticketFor(connectRelay(), agent.relay, { relayUntil })); // another's: of no use
  session.renew(ticketFor(client, agent.relay, { ticketId: "t-2", relayUntil }));
  await eventually(() => expect(agent.sessions[0]?.ticket?.ticketId).toBe("t-2"));
  vi.advanceTimersByTime(15_000);
  expect(await echo(session, Buffer.from("alive"))).toEqual(Buffer.from("alive"));
  serverNow = relayUntil;
  vi.advanceTimersByTime(15_000);
  expect(await session.ended).toEqual({ kind: "closed", by: "peer", reason: "the ticket has expired" });
});

test("a third of a second each way makes a session slow, and nothing else", async () => {
  await using proxy = await FaultyProxy.start({
    host: "localhost",
    port: Number(new URL(home.address.url).port),
  });
  proxy.slow(330);
  const agent = startAgent();
  const far = { ...home.address, url: proxy.through(home.address.url).replace(/\/$/, "") };
  const client = connectRelay({ relays: () => [far] });
  const downs: string[] = [];
  client.listen({ down: (reason) => downs.push(reason) });
  const session = await openSession(client, agent.relay);
  expect((await echo(session, randomBytes(300_000))).length).toBe(300_000);
  expect(session.measures.roundTripMs).toBeGreaterThan(600);
  expect(downs).toEqual([]);
  await client.close();
});

test("a client whose session the agent has forgotten is told so by the agent, and by nobody else", async () => {
  const agent = startAgent();
  const client = connectRelay();
  const session = await openSession(client, agent.relay);
  expect(await echo(session, Buffer.from("alive"))).toEqual(Buffer.from("alive"));
  const forged = Buffer.concat([Buffer.from([1, 4]), Buffer.from(session.id, "hex"), randomBytes(16)]);
  client.switchboard.receive(forged, agent.relay.identity.publicKey);
  expect(await echo(session, Buffer.from("alive"))).toEqual(Buffer.from("alive"));
  // What its end said is lost: the client hears of it only by asking.
  region.clients.delete(client.identity.publicKey.toString("hex"));
  await agent.acceptor.close();
  startAgent({ relay: agent.relay });
  await home.kill();
  void session.open({ service: "ssh" });
  expect(await session.ended).toMatchObject({ kind: "closed", by: "peer" });
});

test("an agent that nobody can reach is said to be so", async () => {
  const client = connectRelay();
  const attempt = dial({
    relay: client,
    peerKey: generateKeyPair().publicKey,
    ticket: "t",
    timeoutMs: 500,
  });
  await expect(attempt).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("does not answer") as string,
  });
});
