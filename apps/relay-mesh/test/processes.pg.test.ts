import { PostgresHints, RotatedSigningKeys, readSecrets } from "@berth/coordination";
import { generateKeyPair } from "@berth/derp";
import { eventually, recordedLog } from "@berth/testing";
import { signTicket } from "@berth/tunnel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RelayCluster, type RelayProcess } from "./cluster.ts";
import { DerpClient } from "./derp-client.ts";

// One deployment for all tests, in their order: starting processes is what takes time here.
let cluster: RelayCluster;
let [one, two, three]: RelayProcess[] = [];
beforeAll(async () => {
  cluster = await RelayCluster.open();
  [one, two, three] = await Promise.all([1, 2, 3].map(() => cluster.startRelay()));
}, 120_000);
afterAll(() => cluster[Symbol.asyncDispose]());

/** Sends until something arrives: presence crosses between relays in its own time. */
async function reaches(from: DerpClient, to: DerpClient): Promise<void> {
  const before = to.packets.length;
  await eventually(() => {
    from.send(to, "are you there?");
    expect(to.packets.length).toBeGreaterThan(before);
  });
}

const counter = (metrics: string, name: string) =>
  Number(new RegExp(`^coder_derp_server_${name} (\\d+)$`, "m").exec(metrics)?.[1]);

test("relays that share a Postgres find each other, and a packet crosses from one process to the other", async () => {
  using a = await DerpClient.connect(one!.url);
  using b = await DerpClient.connect(two!.url);
  await reaches(a, b);
  await reaches(b, a);
  for (const relay of [one!, two!]) {
    const metrics = await relay.metrics();
    expect(counter(metrics, "packets_forwarded_out_total")).toBeGreaterThan(0);
    expect(counter(metrics, "packets_forwarded_in_total")).toBeGreaterThan(0);
    expect(metrics).toMatch(/^berth_mesh_link_up\{peer=".*"\} 1$/m);
  }
});

test("a relay killed with -9 takes its keys along; its clients go on at another", async () => {
  using a = await DerpClient.connect(one!.url);
  using b = await DerpClient.connect(two!.url);
  await reaches(b, a);
  two!.program.kill("SIGKILL");
  await b.closed;
  await eventually(() =>
    expect(a.peersGone).toEqual([{ kind: "peerGone", key: b.publicKey, reason: "disconnected" }]),
  );
  using again = await DerpClient.connect(three!.url, { keys: b.keys });
  await reaches(a, again);
  await reaches(again, a);
});

test("a relay told to end moves its clients first, says goodbye, and ends well", async () => {
  const [leaving, staying] = [three!, one!];
  using a = await DerpClient.connect(staying.url);
  const b = await DerpClient.connect(leaving.url);
  await reaches(a, b);
  leaving.program.kill("SIGTERM");
  await eventually(() => expect(b.frames.some(({ kind }) => kind === "restarting")).toBe(true));
  using moved = await DerpClient.connect(staying.url, { keys: b.keys });
  await reaches(a, moved);
  b.close();
  expect(await leaving.program.exit).toEqual({ code: 0, signal: null });
  expect(a.peersGone).toEqual([]);
});

test("a relay admits by the deployment's own signing keys, and nobody without a ticket", async () => {
  const relay = await cluster.startRelay({ CODER_DERP_SERVER_OPEN: "false" });
  const { database } = cluster.database;
  const log = recordedLog();
  using hints = new PostgresHints(database, log);
  const end = new AbortController();
  const keys = await RotatedSigningKeys.open({ database, hints, log, signal: end.signal });
  const { deploymentId } = await readSecrets(database.sql);
  const client = generateKeyPair();
  const now = Date.now();
  const claims = {
    ticketId: "t",
    kind: "relay",
    bearerKey: client.publicKey.toString("hex"),
    deploymentId,
    issuedAt: now,
    startBefore: now + 120_000,
    relayUntil: now + 3_600_000,
  } as const;
  const berthTicket = signTicket(claims, keys.current());
  using admitted = await DerpClient.connect(relay.url, { keys: client, said: { berthTicket } });
  expect(admitted.frames.some(({ kind }) => kind === "serverInfo")).toBe(true);
  await expect(DerpClient.connect(relay.url)).rejects.toThrow("closed the connection before ServerInfo");
  end.abort();
});
