import fc from "fast-check";
import { expect, test } from "vitest";
import {
  DerpProtocolError,
  Frame,
  FrameReader,
  type ServerFrame,
  decodeServerFrame,
  encodeFrame,
  encodeHealth,
  encodeKeepAlive,
  encodePeerGone,
  encodePing,
  encodePong,
  encodeRecvPacket,
  encodeRestarting,
  encodeSendPacket,
  generateKeyPair,
  isDisco,
  writeForwardPacket,
} from "./index.ts";

function decoded(frame: Buffer): ServerFrame | undefined {
  const heard: (ServerFrame | undefined)[] = [];
  new FrameReader("client", (...bounds) => heard.push(decodeServerFrame(...bounds))).read(frame);
  return heard[0];
}

const key = generateKeyPair().publicKey;
const echo = Buffer.from("12345678");

test.each<[string, Buffer, ServerFrame]>([
  ["a packet", encodeRecvPacket(key, echo), { kind: "recvPacket", source: key, packet: echo }],
  ["a keep-alive", encodeKeepAlive(), { kind: "keepAlive" }],
  ["a ping", encodePing(echo), { kind: "ping", echo }],
  ["a pong", encodePong(echo), { kind: "pong", echo }],
  ["sickness", encodeHealth("BAD"), { kind: "health", problem: "BAD" }],
  ["health", encodeHealth(""), { kind: "health", problem: "" }],
  ["a restart", encodeRestarting(1, 2), { kind: "restarting", reconnectInMs: 1, tryForMs: 2 }],
  ["an unknown key", encodePeerGone(key, "notHere"), { kind: "peerGone", key, reason: "notHere" }],
  ["a key gone", encodePeerGone(key, "disconnected"), { kind: "peerGone", key, reason: "disconnected" }],
  ["old PeerGone", encodeFrame(Frame.peerGone.code, key), { kind: "peerGone", key, reason: "disconnected" }],
  ["PeerPresent", encodeFrame(Frame.peerPresent.code, key, Buffer.alloc(19)), { kind: "peerPresent", key }],
])("%s of a relay is read as it was written", (_what, frame, read) => {
  expect(decoded(frame)).toEqual(read);
});

test("a forwarded packet carries both keys and the packet, 32 bytes more than it came with", () => {
  const source = generateKeyPair().publicKey;
  const sent = encodeSendPacket(key, Buffer.from("packet"));
  const batch = Buffer.alloc(200);
  const end = writeForwardPacket(batch, 10, source, sent, 0, sent.length);
  expect(end).toBe(10 + sent.length + 32);
  expect(batch.subarray(10, end)).toEqual(
    encodeFrame(Frame.forwardPacket.code, source, key, Buffer.from("packet")),
  );
});

test("whatever a relay sends, its client reads frames or finds the protocol broken", () => {
  const part = fc.record({
    type: fc.oneof(fc.constantFrom(...Object.values(Frame).map(({ code }) => code)), fc.nat(255)),
    payload: fc.uint8Array({ maxLength: 120 }),
  });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.uint8Array({ maxLength: 20 }), (parts, tail) => {
      const reader = new FrameReader("client", (...bounds) => void decodeServerFrame(...bounds));
      const frames = parts.map(({ type, payload }) => encodeFrame(type, Buffer.from(payload)));
      try {
        reader.read(Buffer.concat([...frames, tail]));
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(DerpProtocolError);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a packet over 64 KiB is not encoded", () => {
  expect(() => encodeSendPacket(key, Buffer.alloc(65_537))).toThrow("longer than");
});

test("path discovery is told by its magic and its length", () => {
  const disco = Buffer.concat([Buffer.from("TS\u{1F4AC}"), Buffer.alloc(56)]);
  expect(isDisco(disco, 0, disco.length)).toBe(true);
  expect(isDisco(disco, 0, disco.length - 1)).toBe(false);
  expect(isDisco(Buffer.alloc(62), 0, 62)).toBe(false);
});
