import { eventually } from "@berth/testing";
import { encodeNotePreferred, encodePing, generateKeyPair } from "@berth/derp";
import { expect, test } from "vitest";
import { DerpClient } from "./derp-client.ts";
import { startRelay } from "./start-relay.ts";

const disco = (fill: number) => Buffer.concat([Buffer.from("TS\u{1F4AC}"), Buffer.alloc(60, fill)]);

test("packets reach exactly the client they are for, with their sender's key", async () => {
  await using running = await startRelay();
  using a = await DerpClient.connect(running.url);
  using b = await DerpClient.connect(running.url);
  using c = await DerpClient.connect(running.url);
  a.send(b, "a to b");
  b.send(c, "b to c");
  await eventually(() => {
    expect(b.packets.map(({ packet }) => packet.toString())).toEqual(["a to b"]);
    expect(c.packets.map(({ packet }) => packet.toString())).toEqual(["b to c"]);
  });
  expect(b.packets[0]?.source).toEqual(a.publicKey);
  expect(a.packets).toEqual([]);
});

test("a thousand packets of all sizes arrive whole and in order", async () => {
  await using running = await startRelay();
  using a = await DerpClient.connect(running.url);
  using b = await DerpClient.connect(running.url);
  const packets = Array.from({ length: 1000 }, (_, index) => Buffer.alloc((index * 37) % 9000, index));
  for (const packet of packets) a.send(b, packet);
  a.send(b, Buffer.alloc(65_536, 9));
  await eventually(() => expect(b.packets).toHaveLength(1001));
  expect(b.packets.slice(0, 1000).every(({ packet }, index) => packet.equals(packets[index] ?? packet))).toBe(
    true,
  );
  expect(b.packets[1000]?.packet.length).toBe(65_536);
});

test("an unknown key is answered for path discovery only, three times at once", async () => {
  await using running = await startRelay();
  using a = await DerpClient.connect(running.url);
  using b = await DerpClient.connect(running.url);
  const nobody = generateKeyPair().publicKey;
  a.send(nobody, "no discovery");
  for (let index = 0; index < 6; index += 1) a.send(nobody, disco(index));
  a.send(b, "end");
  await eventually(() => expect(b.packets).toHaveLength(1));
  await eventually(() => expect(a.peersGone).toHaveLength(3));
  expect(a.peersGone[0]).toEqual({ kind: "peerGone", key: nobody, reason: "notHere" });
  expect(running.relay.tally.dropped.unknown_dest).toBe(7);
});

test("who received from a client hears once that it left, and nobody else does", async () => {
  await using running = await startRelay();
  const a = await DerpClient.connect(running.url);
  using b = await DerpClient.connect(running.url);
  using c = await DerpClient.connect(running.url);
  a.send(b, "one");
  a.send(b, "two");
  await eventually(() => expect(b.packets).toHaveLength(2));
  a.close();
  await eventually(() =>
    expect(b.peersGone).toEqual([{ kind: "peerGone", key: a.publicKey, reason: "disconnected" }]),
  );
  expect(c.peersGone).toEqual([]);
});

test("a client that stops reading loses its own packets; the others get theirs (R2)", async () => {
  await using running = await startRelay();
  using alice = await DerpClient.connect(running.url);
  using bob = await DerpClient.connect(running.url);
  using cathy = await DerpClient.connect(running.url);
  cathy.pause();
  for (let index = 0; index < 700; index += 1) {
    alice.send(cathy, Buffer.alloc(40_000));
    if (!alice.send(bob, `packet ${index}`)) await alice.drained();
  }
  await eventually(() => expect(bob.packets).toHaveLength(700));
  expect(alice.packets).toEqual([]);
  await eventually(() => expect(running.relay.tally.packetsSent).toBe(1400));
  expect(running.relay.tally.dropped.queue_head).toBeGreaterThan(0);
});

test("a ping is answered with its own 8 bytes", async () => {
  await using running = await startRelay();
  using client = await DerpClient.connect(running.url, { said: { canAckPings: false } });
  client.write(encodePing(Buffer.from("12345678")));
  await eventually(() =>
    expect(client.frames.at(-1)).toEqual({ kind: "pong", echo: Buffer.from("12345678") }),
  );
});

test("the home gauge follows what clients prefer", async () => {
  await using running = await startRelay();
  using a = await DerpClient.connect(running.url);
  using b = await DerpClient.connect(running.url);
  const shown = async (line: string) => expect(await running.metrics.expose()).toContain(line);
  a.write(encodeNotePreferred(true));
  a.write(encodeNotePreferred(true));
  b.write(encodeNotePreferred(true));
  await eventually(() => shown("coder_derp_server_current_home_connections 2"));
  b.write(encodeNotePreferred(false));
  await eventually(() => shown("coder_derp_server_current_home_connections 1"));
  a.close();
  await eventually(() => shown("coder_derp_server_current_home_connections 0"));
  await shown("coder_derp_server_current_connections 1");
});

test("of two connections of one key the last to speak gets the packets, and the other stays open (R4)", async () => {
  await using running = await startRelay();
  using sender = await DerpClient.connect(running.url);
  using first = await DerpClient.connect(running.url);
  const second = await DerpClient.connect(running.url, { keys: first.keys });
  sender.send(first, "to the newcomer");
  await eventually(() => expect(second.packets).toHaveLength(1));
  first.send(sender, "I am back");
  await eventually(() => expect(sender.packets).toHaveLength(1));
  sender.send(first, "to the last speaker");
  await eventually(() => expect(first.packets).toHaveLength(1));
  second.send(sender, "no, me");
  await eventually(() => expect(sender.packets).toHaveLength(2));
  second.close();
  await eventually(() => expect(running.relay.connectionCount).toBe(2));
  sender.send(first, "to who is left");
  await eventually(() => expect(first.packets).toHaveLength(2));
  expect(sender.peersGone).toEqual([]);
});

test("who breaks the protocol is closed, and only that one", async () => {
  await using running = await startRelay();
  using good = await DerpClient.connect(running.url);
  const bad = await DerpClient.connect(running.url);
  bad.write(Buffer.from([0x07, 0, 0, 0, 2, 0, 0]));
  await bad.closed;
  good.send(good, "still here");
  await eventually(() => expect(good.packets).toHaveLength(1));
});
