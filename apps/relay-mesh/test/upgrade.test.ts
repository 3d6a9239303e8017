import {
  type ClientInfo,
  FrameReader,
  decodeServerFrame,
  decodeServerKey,
  encodeClientInfo,
  generateKeyPair,
} from "@berth/derp";
import { openWebSocket } from "@berth/rpc";
import { eventually } from "@berth/testing";
import { expect, test } from "vitest";
import { DerpClient } from "./derp-client.ts";
import { startRelay } from "./start-relay.ts";

test("the normal upgrade answers 101 with the relay's key and version", async () => {
  await using running = await startRelay();
  using client = await DerpClient.connect(running.url, { headers: ["Upgrade: derp", "connection: upgrade"] });
  const key = running.relay.keys.publicKey.toString("hex");
  expect(client.head.split("\r\n")).toEqual([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: DERP",
    "Connection: Upgrade",
    "Derp-Version: 2",
    `Derp-Public-Key: ${key}`,
  ]);
});

test("fast start gets no HTTP reply: ServerKey is the first thing on the wire", async () => {
  await using running = await startRelay();
  using client = await DerpClient.connect(running.url, { fastStart: running.relay.keys.publicKey });
  expect(client.head).toBe("");
  expect(client.frames.slice(0, 2).map(({ kind }) => kind)).toEqual(["serverKey", "serverInfo"]);
});

test("a WebSocket upgrade without the sub-protocol is a very old client that speaks raw DERP", async () => {
  await using running = await startRelay();
  const headers = ["Upgrade: websocket", "Connection: Upgrade"];
  using client = await DerpClient.connect(running.url, { headers });
  client.send(client, "raw");
  await eventually(() => expect(client.packets).toHaveLength(1));
});

/** The least of a client over WebSocket. */
async function overWebSocket(url: string, said: Partial<ClientInfo>) {
  const keys = generateKeyPair();
  const connection = await openWebSocket(`${url}/derp`, { protocol: "derp" });
  const packets: Buffer[] = [];
  const sizes: number[] = [];
  const reader = new FrameReader("client", (...bounds) => {
    const frame = decodeServerFrame(...bounds);
    if (frame?.kind === "serverKey")
      connection.send(encodeClientInfo(keys, decodeServerKey(frame.payload), said));
    if (frame?.kind === "recvPacket") packets.push(Buffer.from(frame.packet));
  });
  const reading = (async () => {
    for await (const message of connection.messages) {
      if (typeof message === "string") continue;
      sizes.push(message.length);
      reader.read(message);
    }
  })();
  return { keys, connection, packets, sizes, reading };
}

test("a WebSocket of the sub-protocol carries DERP in binary messages of at most 32 KiB, both ways", async () => {
  await using running = await startRelay();
  using raw = await DerpClient.connect(running.url);
  const client = await overWebSocket(running.url, {});
  expect(client.connection.protocol).toBe("derp");
  await eventually(() => expect(running.relay.connectionCount).toBe(2));
  const packet = Buffer.alloc(60_000, 5);
  for (let index = 0; index < 20; index += 1) raw.send(client.keys.publicKey, packet);
  await eventually(() => expect(client.packets).toHaveLength(20));
  expect(client.packets.every((received) => received.equals(packet))).toBe(true);
  expect(Math.max(...client.sizes)).toBeLessThanOrEqual(32_768);
  client.connection.close();
  await client.reading;
  await eventually(() => expect(running.relay.connectionCount).toBe(1));
});

test("a text message closes the WebSocket with 1003", async () => {
  await using running = await startRelay();
  const client = await overWebSocket(running.url, {});
  client.connection.send("text");
  expect((await client.connection.closed).code).toBe(1003);
});

test("what asks for no upgrade is told 426, and so is an unknown path below", async () => {
  await using running = await startRelay();
  for (const path of ["/derp", "/derp/sdf"]) {
    const response = await fetch(running.url + path);
    expect(response.status).toBe(426);
    expect(await response.text()).toContain("DERP requires connection upgrade");
  }
});

test("an upgrade to something else is told 426", async () => {
  await using running = await startRelay();
  const client = new DerpClient(running.url, { headers: ["Upgrade: other", "Connection: Upgrade"] });
  await eventually(() => expect(client.head).toContain("426 Upgrade Required"));
  client.close();
});

test.each(["/derp/probe", "/derp/latency-check"])(
  "%s is answered at once, to anybody, and to GET and HEAD only",
  async (path) => {
    await using running = await startRelay();
    for (const method of ["GET", "HEAD"]) {
      const response = await fetch(running.url + path, { method });
      expect(response.status).toBe(200);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(await response.text()).toBe("");
    }
    expect((await fetch(running.url + path, { method: "POST" })).status).toBe(405);
  },
);

test("a draining relay sends newcomers to another backend", async () => {
  await using running = await startRelay();
  running.accepting = false;
  const client = new DerpClient(running.url);
  await client.closed;
  expect(client.head).toContain("503");
});
