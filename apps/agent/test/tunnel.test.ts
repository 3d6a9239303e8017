import { spawn } from "node:child_process";
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { kill as signal } from "node:process";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  eventually,
  type Program,
  spawnProgram,
  type TemporaryFolder,
  temporaryFolder,
} from "@berth/testing";
import {
  dial,
  generateKeyPair,
  RelayConnection,
  type Session,
  signTicket,
  type TicketClaims,
} from "@berth/tunnel";
import { noOpenSsh, ran, type Ran } from "./open-ssh.ts";
import { AGENT_ID, manifestOf, PlanePeer, type SeenStream, TOKEN } from "./plane-peer.ts";

const signing = generateKeyPairSync("ed25519");
const signingKey = {
  id: "k1",
  privateKey: signing.privateKey.export({ format: "der", type: "pkcs8" }),
  publicKey: Buffer.from(signing.publicKey.export({ format: "jwk" }).x ?? "", "base64url"),
};
const deploymentId = randomUUID();
const HOST = "127.0.0.1";

let folder: TemporaryFolder;
let peer: PlanePeer;
let agent: Program;
let stream: SeenStream;

beforeAll(async () => {
  folder = await temporaryFolder();
  const derpMapJson = JSON.stringify({
    Regions: { 999: { EmbeddedRelay: true, RegionID: 999, RegionName: "here", Nodes: [] } },
  });
  const { id, publicKey } = signingKey;
  const manifest = manifestOf({ deploymentId, derpMapJson, ticketKeys: [{ id, publicKey }] });
  peer = await PlanePeer.start({ manifest });
  agent = spawnProgram([process.execPath, join(import.meta.dirname, "../src/main.ts")], {
    cwd: folder.path,
    env: { CODER_AGENT_URL: peer.url, CODER_AGENT_TOKEN: TOKEN, HOME: folder.path, TMPDIR: folder.path },
  });
  stream = await peer.stream();
  await eventually(() => expect(peer.relay.keys).toHaveLength(1), { withinMs: 20_000 });
});

afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** A client with a ticket of its own. */
async function client(changes: Partial<TicketClaims> = {}): Promise<Session & AsyncDisposable> {
  const identity = generateKeyPair();
  const now = Date.now();
  const claims: TicketClaims = {
    ticketId: randomUUID(),
    kind: "session",
    bearerKey: identity.publicKey.toString("hex"),
    deploymentId,
    issuedAt: now,
    startBefore: now + 120_000,
    relayUntil: now + 3_600_000,
    agentId: AGENT_ID,
    agentKey: Buffer.from(stream.hello.publicKey).toString("hex"),
    userId: "ann",
    permissions: ["ssh", "tcp"],
    ...changes,
  };
  const ticket = signTicket(claims, signingKey);
  const relays = [{ url: peer.url, regionId: 999, regionName: "here" }];
  const relay = new RelayConnection({ identity, relays: () => relays, ticket: () => ticket });
  const session = await dial({ relay, peerKey: Buffer.from(stream.hello.publicKey), ticket });
  return Object.assign(session, {
    [Symbol.asyncDispose]: async () => {
      await session.close();
      await relay.close();
    },
  });
}

/** OpenSSH on a stream of a session, the host key checked against what the agent told the plane. */
async function openSsh(session: Session, args: readonly string[]) {
  const inside = await session.open({ service: "ssh" });
  const door: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.pipe(inside).pipe(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => inside.unpipe().pause().end());
    door.close();
  });
  door.listen(0, HOST);
  await once(door, "listening");
  const { port } = door.address() as { port: number };
  const knownHosts = join(folder.path, `known-${port}`);
  await writeFile(knownHosts, `[${HOST}]:${port} ${stream.hello.sshHostKey}\n`);
  const options = ["-F", "none", "-o", "BatchMode=yes", "-o", `UserKnownHostsFile=${knownHosts}`];
  return spawn("ssh", [...options, "-p", String(port), HOST, ...args]);
}

const ssh = async (session: Session, args: readonly string[], input?: Buffer): Promise<Ran> =>
  ran(await openSsh(session, args), input);

test.skipIf(noOpenSsh)(
  "OpenSSH works through a tunnel, with the host key that the plane was told",
  async () => {
    await using session = await client();
    const result = await ssh(session, ["echo $CODER_WORKSPACE_NAME; exit 5"]);
    expect([result.stdout.toString(), result.code]).toEqual(["dev\n", 5]);
  },
);

test.skipIf(noOpenSsh)("a relay that is cut in the middle of a transfer costs no byte", async () => {
  await using session = await client();
  const bytes = randomBytes(12 * 1024 * 1024);
  const transfer = ssh(session, ["cat"], bytes);
  for (let cuts = 1; cuts <= 2; cuts += 1) {
    const { sentBytes } = session.measures;
    await eventually(() => expect(session.measures.sentBytes - sentBytes).toBeGreaterThan(2 * 1024 * 1024));
    peer.relay.cut();
  }
  const { stdout } = await transfer;
  expect(createHash("sha256").update(stdout).digest("hex")).toBe(
    createHash("sha256").update(bytes).digest("hex"),
  );
});

test.skipIf(noOpenSsh)(
  "a command whose client has gone ends, though its output waits for the client",
  async () => {
    await using session = await client();
    const openssh = await openSsh(session, ['echo "<$$>"; exec cat /dev/zero']);
    const [said] = (await once(openssh.stdout, "data")) as [Buffer];
    openssh.stdout.pause();
    openssh.kill("SIGKILL");
    const pid = Number(/<(\d+)>/.exec(said.toString())?.[1]);
    await eventually(() => expect(() => signal(pid, 0)).toThrow("ESRCH"));
  },
);

test("a port of the workspace is reached, one where nobody listens is refused, and other hosts are not for this", async () => {
  await using session = await client();
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, HOST);
  await once(echo, "listening");
  const { port } = echo.address() as { port: number };
  const open = await session.open({ service: "tcp", port });
  open.end("hello");
  expect((await buffer(open)).toString()).toBe("hello");
  echo.close();
  await once(echo, "close");
  const closed = await session.open({ service: "tcp", port });
  await expect(buffer(closed)).rejects.toThrow();
  const elsewhere = await session.open({ service: "tcp", host: "192.0.2.1", port: 80 });
  await expect(buffer(elsewhere)).rejects.toThrow(/not a port of this workspace/);
});

test("a ticket opens what it permits and nothing else", async () => {
  await using session = await client({ permissions: ["tcp"] });
  await expect(buffer(await session.open({ service: "ssh" }))).rejects.toThrow();
});

test("a ticket of another deployment, and one that came too late, open nothing", async () => {
  await expect(client({ deploymentId: randomUUID() })).rejects.toThrow(/foreign_deployment/);
  await expect(client({ startBefore: Date.now() - 1000 })).rejects.toThrow();
});

test("sessions that the plane ends are ended, and their tickets open no more", async () => {
  await using mine = await client({ userId: "bob" });
  await using other = await client({ userId: "cid" });
  const issuedBefore = new Date(Date.now() + 1);
  stream.send({ $case: "endSessions", value: { userIds: ["bob"], ticketIds: [], issuedBefore } });
  expect(await mine.ended).toMatchObject({ kind: "closed", by: "peer" });
  await expect(client({ userId: "bob", issuedAt: issuedBefore.getTime() - 5 })).rejects.toThrow(/revoked/);
  await using later = await client({ userId: "bob", issuedAt: issuedBefore.getTime() + 5 });
  expect(later.id).not.toBe(mine.id);
  const still = await other.open({ service: "tcp", port: 1 });
  await expect(buffer(still)).rejects.toThrow(/port 1/);
});
