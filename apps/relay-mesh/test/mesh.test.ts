import { FaultyProxy, eventually } from "@berth/testing";
import { expect, test } from "vitest";
import { drain } from "../src/drain.ts";
import { relayEvents } from "../src/events.ts";
import { DerpClient } from "./derp-client.ts";
import { View, listed, startMesh, startRelay } from "./start-relay.ts";

const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => log,
};

test("a packet for a client of a sibling crosses one hop and arrives as it was, both ways", async () => {
  await using relays = await startMesh(2);
  const [one, two] = relays;
  using a = await DerpClient.connect(one!.url);
  using b = await DerpClient.connect(two!.url);
  await eventually(() => expect(one!.relay.directory.find(b.publicKey, 0)).toBeDefined());
  await eventually(() => expect(two!.relay.directory.find(a.publicKey, 0)).toBeDefined());
  const packets = Array.from({ length: 300 }, (_, index) => Buffer.alloc((index * 331) % 65_000, index));
  for (const packet of packets) a.send(b, packet);
  b.send(a, "back");
  await eventually(() => expect(b.packets).toHaveLength(300));
  await eventually(() => expect(a.packets.map(({ packet }) => packet.toString())).toEqual(["back"]));
  expect(
    b.packets.every(
      ({ packet, source }, index) => packet.equals(packets[index]!) && source.equals(a.publicKey),
    ),
  ).toBe(true);
  expect(one!.relay.tally.packetsForwardedOut).toBe(300);
  expect(two!.relay.tally.packetsForwardedIn).toBe(300);
  expect(await one!.metrics.expose()).toContain("coder_derp_server_packets_forwarded_out_total 300");
  expect(await two!.metrics.expose()).toMatch(/berth_mesh_link_up\{peer="test\/.*"\} 1/);
});

test("a link's end takes the keys it brought, and who received from them hears it (R3)", async () => {
  await using relays = await startMesh(3);
  const [one, two, three] = relays;
  using a = await DerpClient.connect(one!.url);
  using b = await DerpClient.connect(two!.url);
  using c = await DerpClient.connect(three!.url);
  await eventually(() => expect(one!.relay.directory.count().clients).toBe(3));
  await eventually(() => expect(two!.relay.directory.count().clients).toBe(3));
  b.send(a, "from b");
  await eventually(() => expect(a.packets).toHaveLength(1));
  await two![Symbol.asyncDispose]();
  await eventually(() =>
    expect(a.peersGone).toEqual([{ kind: "peerGone", key: b.publicKey, reason: "disconnected" }]),
  );
  expect(one!.relay.directory.find(b.publicKey, 0)).toBeUndefined();
  expect(one!.relay.directory.find(c.publicKey, 0)).toBeDefined();
});

test("a frame that came from a sibling never goes to a sibling (R1)", async () => {
  await using relays = await startMesh(3);
  const [one, two, three] = relays;
  using a = await DerpClient.connect(one!.url);
  using c = await DerpClient.connect(three!.url);
  const wrong = await eventually(() => {
    const client = one!.relay.directory.find(c.publicKey, 0);
    expect(client?.via).toBeDefined();
    return client!;
  });
  using b = await DerpClient.connect(two!.url);
  const towardsTwo = await eventually(() => {
    const client = one!.relay.directory.find(b.publicKey, 0);
    expect(client?.via).toBeDefined();
    return client!;
  });
  wrong.via = towardsTwo.via; // as if the client had moved on and nobody had said so yet
  a.send(c, "misrouted");
  await eventually(() => expect(two!.relay.tally.dropped.unknown_dest_on_fwd).toBe(1));
  expect(c.packets).toEqual([]);
});

test("a key that moved to a sibling is reached there at once, and its half-open old connection is dropped", async () => {
  await using relays = await startMesh(2);
  const [one, two] = relays;
  using sender = await DerpClient.connect(one!.url);
  const old = await DerpClient.connect(one!.url);
  await eventually(() => expect(one!.relay.tally.pongs).toBe(2)); // its round trip is known
  old.answersPings = false; // as a laptop that has gone elsewhere
  using moved = await DerpClient.connect(two!.url, { keys: old.keys });
  await eventually(() => expect(one!.relay.directory.find(old.publicKey, 0)?.via).toBeDefined());
  sender.send(old, "hello");
  await eventually(() => expect(moved.packets).toHaveLength(1));
  expect(old.packets).toEqual([]);
  await old.closed;
  expect(one!.relay.directory.find(old.publicKey, 0)?.via).toBeDefined();
});

test("of two living connections of one key at two relays both stay, and the last to speak gets the packets", async () => {
  await using relays = await startMesh(2);
  const [one, two] = relays;
  using sender = await DerpClient.connect(one!.url);
  using first = await DerpClient.connect(one!.url);
  using second = await DerpClient.connect(two!.url, { keys: first.keys });
  await eventually(() => expect(one!.relay.directory.find(first.publicKey, 0)?.via).toBeDefined());
  first.send(sender, "I am here");
  await eventually(() => expect(one!.relay.directory.find(first.publicKey, 0)?.via).toBeUndefined());
  await eventually(() => expect(two!.relay.directory.find(first.publicKey, 0)?.via).toBeDefined());
  sender.send(first, "to the last speaker");
  await eventually(() => expect(first.packets).toHaveLength(1));
  second.send(sender, "no, here");
  await eventually(() => expect(one!.relay.directory.find(first.publicKey, 0)?.via).toBeDefined());
  sender.send(first, "to the other");
  await eventually(() => expect(second.packets).toHaveLength(1));
});

test("a replica that is not the expected one is not linked to, and EREP05 is reported", async () => {
  await using one = await startRelay();
  await using other = await startRelay();
  const view = new View();
  view.list([listed(one), listed(other, { id: "another replica" })]);
  await one.mesh.follow(view);
  expect(one.mesh.linkedCount).toBe(0);
  expect(view.reports.map(({ error }) => error ?? "").find((error) => error.startsWith("EREP05"))).toContain(
    other.url,
  );
});

test("a killed replica that is listed still is not missed where its successor answers", async () => {
  await using one = await startRelay();
  await using successor = await startRelay();
  const view = new View();
  const listedDead = listed(successor, { id: "killed", startedAt: new Date(1_000) });
  view.list([listed(one), listedDead, listed(successor, { startedAt: new Date(2_000) })]);
  await one.mesh.follow(view);
  expect(one.mesh.linkedCount).toBe(1);
  expect(view.reports.filter(({ error = "" }) => error !== "")).toEqual([]);
});

test("a relay that nobody can dial tells its keys and sends its frames on the streams it opens", async () => {
  await using hidden = await startRelay();
  await using open = await startRelay();
  const [hiddenView, openView] = [new View(), new View()];
  const replicas = [listed(hidden, { relayUrl: "" }), listed(open)];
  hiddenView.list(replicas);
  openView.list(replicas);
  await open.mesh.follow(openView);
  await hidden.mesh.follow(hiddenView);
  using a = await DerpClient.connect(hidden.url);
  using b = await DerpClient.connect(open.url);
  await eventually(() => expect(open.relay.directory.find(a.publicKey, 0)).toBeDefined());
  await eventually(() => expect(hidden.relay.directory.find(b.publicKey, 0)).toBeDefined());
  a.send(b, "up");
  b.send(a, "down");
  await eventually(() => expect(b.packets).toHaveLength(1));
  await eventually(() => expect(a.packets).toHaveLength(1));
});

test("a sibling that falls silent is given up, and linked again when it answers", async () => {
  await using one = await startRelay();
  await using two = await startRelay();
  const { hostname, port } = new URL(two.url);
  await using proxy = await FaultyProxy.start({ host: hostname, port: Number(port) });
  const view = new View();
  view.list([listed(one), listed(two, { relayUrl: proxy.through(two.url) })]);
  await one.mesh.follow(view);
  using b = await DerpClient.connect(two.url);
  await eventually(() => expect(one.relay.directory.find(b.publicKey, 0)).toBeDefined());
  await eventually(() => expect(view.reports.at(-1)?.peerRoundTrips?.[0]?.median).toBeDefined());
  proxy.silence();
  await eventually(() => expect(one.relay.directory.find(b.publicKey, 0)).toBeUndefined());
  expect(one.mesh.linkedCount).toBe(0);
  proxy.heal();
  await eventually(() => expect(one.relay.directory.find(b.publicKey, 0)).toBeDefined(), {
    withinMs: 20_000,
  });
});

test("round trips to siblings are reported", async () => {
  await using one = await startRelay();
  await using two = await startRelay();
  const view = new View();
  view.list([listed(one), listed(two)]);
  await one.mesh.follow(view);
  await eventually(() => {
    const [measured] = view.reports.at(-1)?.peerRoundTrips ?? [];
    expect(measured?.replicaId).toBe(two.replicaId);
    expect(measured?.median).toBeDefined();
  });
});

test("a draining relay tells every client to re-connect, and ends when they have left (R5)", async () => {
  await using relays = await startMesh(2);
  const [leaving, staying] = relays;
  const clients = await Promise.all(Array.from({ length: 5 }, () => DerpClient.connect(leaving!.url)));
  const drained = drain(leaving!.relay, leaving!.mesh, relayEvents(log), AbortSignal.timeout(10_000));
  for (const client of clients)
    await eventually(() => expect(client.frames.some(({ kind }) => kind === "restarting")).toBe(true));
  const moved = await Promise.all(clients.map(({ keys }) => DerpClient.connect(staying!.url, { keys })));
  for (const client of clients) client.close();
  await drained;
  expect(leaving!.relay.connectionCount).toBe(0);
  leaving!.mesh.sayGoodbye();
  await eventually(() => expect(staying!.mesh.linkedCount).toBe(0));
  for (const client of moved) client.close();
});
