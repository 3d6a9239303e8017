// Bytes through a session over a bare relay against the same bytes through a bare splice, in three processes each, in turn. The
// best of the rounds counts: a busy machine only ever takes away.
//   node bench/throughput.ts [MB [rounds]]
import { fork } from "node:child_process";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { generateKeyPairSync } from "node:crypto";
import { accept, dial, generateKeyPair, RelayConnection, signTicket, type KeyPair } from "../src/index.ts";
import { startBareRelay, startSplice } from "./bare-relay.ts";

const [role, ...args] = process.argv.slice(2);
const say = (value: unknown) => process.send?.(value);

function connectRelay(port: number, identity: KeyPair): RelayConnection {
  const relays = [{ url: `http://127.0.0.1:${port}`, regionId: 1, regionName: "bench" }];
  return new RelayConnection({ identity, relays: () => relays, ticket: () => undefined });
}

function pour(stream: Duplex, total: number): void {
  const chunk = Buffer.alloc(65_536);
  let sent = 0;
  const feed = () => {
    while (sent < total) {
      sent += chunk.length;
      if (!stream.write(chunk)) return void stream.once("drain", feed);
    }
    stream.end();
  };
  feed();
}

/** Resolves with seconds from the first byte to the end. */
function drain(stream: Duplex): Promise<{ seconds: number; bytes: number }> {
  return new Promise((resolve) => {
    let since = 0;
    let bytes = 0;
    stream.on("data", (data: Buffer) => {
      since ||= performance.now();
      bytes += data.length;
    });
    stream.on("end", () => resolve({ seconds: (performance.now() - since) / 1000, bytes }));
  });
}

const revive = (pair: { publicKey: string; privateKey: string }): KeyPair => ({
  publicKey: Buffer.from(pair.publicKey, "hex"),
  privateKey: Buffer.from(pair.privateKey, "hex"),
});
const flatten = ({ publicKey, privateKey }: KeyPair) => ({
  publicKey: publicKey.toString("hex"),
  privateKey: privateKey.toString("hex"),
});

interface Setup {
  readonly port: number;
  readonly client: { publicKey: string; privateKey: string };
  readonly agent: { publicKey: string; privateKey: string };
  readonly ticket: string;
  readonly signer: string;
  readonly total: number;
}

const roles: Record<string, () => unknown> = {
  relay: async () => say(await startBareRelay()),
  splice: async () => say(await startSplice(Number(args[0]))),
  sink: () => {
    const server = createServer((socket) => void drain(socket).then(say));
    server.listen(0, "127.0.0.1", () => say((server.address() as AddressInfo).port));
  },
  source: () => {
    const socket: Socket = connect(Number(args[0]), "127.0.0.1", () => pour(socket, Number(args[1])));
  },
  acceptor: () => {
    const setup = JSON.parse(args[0] ?? "") as Setup;
    const relay = connectRelay(setup.port, revive(setup.agent));
    relay.listen({ up: () => say("up") });
    accept({
      relay,
      deploymentId: "d",
      agentId: "a",
      ticketKeys: () => [{ id: "k", publicKey: Buffer.from(setup.signer, "hex") }],
      serverNow: Date.now,
      onSession: (session) => session.onStream((stream) => void drain(stream).then(say)),
    });
  },
  dialer: async () => {
    const setup = JSON.parse(args[0] ?? "") as Setup;
    const relay = connectRelay(setup.port, revive(setup.client));
    const peerKey = Buffer.from(setup.agent.publicKey, "hex");
    const session = await dial({ relay, peerKey, ticket: setup.ticket });
    pour(await session.open({ service: "speedtest" }), setup.total);
  },
};

function start(name: string, ...given: (string | number)[]) {
  const child = fork(import.meta.filename, [name, ...given.map(String)]);
  return { child, next: () => new Promise<unknown>((resolve) => child.once("message", resolve)) };
}

async function measure(children: ReturnType<typeof start>[], result: Promise<unknown>): Promise<number> {
  const { seconds, bytes } = (await result) as { seconds: number; bytes: number };
  for (const { child } of children) child.kill();
  return bytes / 1e6 / seconds;
}

async function measureSplice(total: number): Promise<number> {
  const sink = start("sink");
  const splice = start("splice", Number(await sink.next()));
  const result = sink.next();
  return measure([sink, splice, start("source", Number(await splice.next()), total)], result);
}

async function measureTunnel(total: number): Promise<number> {
  const relay = start("relay");
  const [client, agent, signer] = [generateKeyPair(), generateKeyPair(), generateKeyPairSync("ed25519")];
  const claims = {
    ticketId: "t",
    kind: "session",
    bearerKey: client.publicKey.toString("hex"),
    deploymentId: "d",
    issuedAt: Date.now(),
    startBefore: Date.now() + 60_000,
    relayUntil: Date.now() + 600_000,
    agentId: "a",
    agentKey: agent.publicKey.toString("hex"),
    permissions: ["speedtest"],
  } as const;
  const privateKey = signer.privateKey.export({ format: "der", type: "pkcs8" });
  const setup: Setup = {
    port: Number(await relay.next()),
    client: flatten(client),
    agent: flatten(agent),
    ticket: signTicket(claims, { id: "k", privateKey }),
    signer: Buffer.from(signer.publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("hex"),
    total,
  };
  const acceptor = start("acceptor", JSON.stringify(setup));
  await acceptor.next();
  const result = acceptor.next();
  return measure([relay, acceptor, start("dialer", JSON.stringify(setup))], result);
}

async function main(): Promise<void> {
  const total = Number(role ?? 512) * 1e6;
  const best = { splice: 0, tunnel: 0 };
  for (let round = 0; round < Number(args[0] ?? 3); round++) {
    best.splice = Math.max(best.splice, await measureSplice(total));
    best.tunnel = Math.max(best.tunnel, await measureTunnel(total));
  }
  const [ours, baseline] = [`${best.tunnel.toFixed(0)} MB/s`, `${best.splice.toFixed(0)} MB/s`];
  const row = { what: "stream of a session", ours, baseline, value: best.tunnel / best.splice };
  if (process.send === undefined) process.stdout.write(`${JSON.stringify(row)}\n`);
  else process.send(row);
}

await (roles[role ?? ""] ?? main)();
