import { randomBytes } from "node:crypto";
import { generateKeyPair } from "@berth/derp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DialHandshake, isUnknown, openHello, resetTokenOf, unknownPacket } from "./hello.ts";
import { SeenHellos } from "./seen-hellos.ts";
import { Switchboard } from "./switchboard.ts";

const dialer = generateKeyPair();
const agent = generateKeyPair();
const sessionId = Buffer.from("12345678");

test("both ends come to the same keys, and the acceptor to the ticket and its bearer's key", () => {
  const handshake = new DialHandshake(dialer, agent.publicKey, sessionId, "the ticket");
  const hello = openHello(agent, handshake.hello);
  expect(hello).toMatchObject({ ticket: "the ticket", peerKey: dialer.publicKey, sessionId });
  const answer = hello!.answer({ kind: "accepted", resetToken: Buffer.alloc(16, 1) });
  const read = handshake.read(answer.packet);
  expect(read?.welcome).toEqual({ kind: "accepted", resetToken: Buffer.alloc(16, 1) });
  expect(read?.keys.send).toEqual(answer.keys.receive);
  expect(read?.keys.receive).toEqual(answer.keys.send);
});

test("a refusal is read as one, with its reason", () => {
  const handshake = new DialHandshake(dialer, agent.publicKey, sessionId, "t");
  const answer = openHello(agent, handshake.hello)!.answer({ kind: "refused", reason: "expired_start" });
  expect(handshake.read(answer.packet)?.welcome).toEqual({ kind: "refused", reason: "expired_start" });
});

test("any other packet is neither a hello nor a welcome, and spoils nothing", () => {
  const handshake = new DialHandshake(dialer, agent.publicKey, sessionId, "t");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(1, 2, 3, 4), (bytes, kind) => {
      const packet = Buffer.concat([Buffer.of(1, kind), Buffer.from(bytes)]);
      expect(openHello(agent, packet)).toBeUndefined();
      expect(handshake.read(packet)).toBeUndefined();
    }),
  );
  const moved = Buffer.from(handshake.hello);
  moved[5]! ^= 1; // another session's id
  expect(openHello(agent, moved)).toBeUndefined();
  expect(openHello(agent, handshake.hello)).toBeDefined();
});

test("only the acceptor can say that it does not know a session", () => {
  const token = resetTokenOf(agent, sessionId);
  expect(isUnknown(unknownPacket(agent, sessionId), token)).toBe(true);
  expect(isUnknown(unknownPacket(dialer, sessionId), token)).toBe(false);
  expect(isUnknown(unknownPacket(agent, randomBytes(8)), token)).toBe(false);
});

test("a hello is remembered for as long as its ticket could begin a session", () => {
  const seen = new SeenHellos();
  seen.remember("a", Buffer.from("answer"), 1000);
  seen.forget(999);
  expect(seen.answerTo("a")).toEqual(Buffer.from("answer"));
  seen.forget(1000);
  expect(seen.answerTo("a")).toBeUndefined();
});

test("packets reach the session that they name, and hellos always the acceptor", () => {
  const board = new Switchboard();
  const heard: string[] = [];
  const session = board.register(sessionId, () => heard.push("session"));
  board.onStranger(() => heard.push("stranger"));
  const packet = (kind: number, id: Buffer) => Buffer.concat([Buffer.of(1, kind), id]);
  board.receive(packet(3, sessionId), agent.publicKey);
  board.receive(packet(1, sessionId), agent.publicKey);
  board.receive(packet(3, randomBytes(8)), agent.publicKey);
  board.receive(Buffer.from([2, 3, 4]), agent.publicKey);
  board.receive(Buffer.concat([Buffer.of(9, 3), sessionId]), agent.publicKey); // another version
  session[Symbol.dispose]();
  board.receive(packet(3, sessionId), agent.publicKey);
  expect(heard).toEqual(["session", "stranger", "stranger", "stranger"]);
});
