import fc from "fast-check";
import { expect, test } from "vitest";
import type { Delivery } from "./in-flight.ts";
import { Reassembly } from "./reassembly.ts";
import { SendQueue } from "./send-queue.ts";

type Step =
  | { do: "write"; bytes: number }
  | { do: "send"; bytes: number }
  | { do: "arrive" | "lose" | "arriveTwice"; which: number }
  | { do: "credit"; bytes: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("write" as const), bytes: fc.nat(50_000) }),
  fc.record({ do: fc.constant("send" as const), bytes: fc.integer({ min: 1, max: 40_000 }) }),
  fc.record({
    do: fc.constantFrom("arrive" as const, "lose" as const, "arriveTwice" as const),
    which: fc.nat(),
  }),
  fc.record({ do: fc.constant("credit" as const), bytes: fc.nat(60_000) }),
);

const pattern = Buffer.from(Array.from({ length: 4_000_000 }, (_, at) => (at * 7919 + (at >> 8)) & 0xff));

test("whatever is lost, repeated or late, the reader gets every byte in order, once, and credit is kept", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let credit = 30_000;
      let written = 0;
      const queue = new SendQueue(credit);
      const reader = new Reassembly();
      const heard: Buffer[] = [];
      const flying: { delivery: Delivery; offset: number; data: Buffer; isLast: boolean }[] = [];
      const arrive = (packet: (typeof flying)[number]) => {
        reader.insert(packet.offset, packet.data, packet.isLast);
        for (let data = reader.take(); data !== undefined; data = reader.take()) heard.push(data);
      };
      const send = (bytes: number) => {
        const part = queue.take(bytes, Infinity);
        if (part === undefined) return;
        const data = Buffer.alloc(part.length);
        queue.copy(part, data, 0);
        flying.push({ delivery: queue.delivery(part, () => undefined), ...part, data });
        expect(queue.sentBytes).toBeLessThanOrEqual(credit);
      };
      const settle = (which: number, how: "arrive" | "lose" | "arriveTwice") => {
        const [packet] = flying.splice(which % flying.length, 1);
        if (packet === undefined) return;
        if (how !== "lose") arrive(packet);
        if (how === "arriveTwice") arrive(packet);
        // An arrival whose acknowledgement was lost is a loss to the sender.
        if (how === "arrive") packet.delivery.delivered();
        else packet.delivery.lost();
      };
      for (const now of steps) {
        if (now.do === "write") queue.write(pattern.subarray(written, (written += now.bytes)));
        else if (now.do === "send") send(now.bytes);
        else if (now.do === "credit") queue.raiseCredit((credit += now.bytes));
        else if (flying.length > 0) settle(now.which, now.do);
      }
      queue.end();
      queue.raiseCredit((credit = written));
      for (let turn = 0; !queue.isDone && turn < 10_000; turn++) {
        send(30_000);
        if (flying.length > 0) settle(0, "arrive");
      }
      expect(queue.isDone).toBe(true);
      expect(reader.isDone).toBe(true);
      expect(Buffer.concat(heard).equals(pattern.subarray(0, written))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("a peer that contradicts itself about the end is found out", () => {
  const reader = new Reassembly();
  reader.insert(0, Buffer.alloc(10), true);
  expect(() => reader.insert(5, Buffer.alloc(10), false)).toThrow("contradicts");
  expect(() => reader.finish(9)).toThrow("contradicts");
});

test("single bytes that wait to be read are kept together, and so is what is written after a gap", () => {
  const reader = new Reassembly();
  for (let at = 1; at < 100_000; at += 1) reader.insert(at, pattern.subarray(at, at + 1), false);
  reader.insert(0, pattern.subarray(0, 1), false);
  const heard: Buffer[] = [];
  for (let data = reader.take(); data !== undefined; data = reader.take()) heard.push(data);
  expect(Buffer.concat(heard).equals(pattern.subarray(0, 100_000))).toBe(true);
  expect(heard.length).toBeLessThan(20);
});

test("a peer that leaves nothing but gaps is found out", () => {
  const reader = new Reassembly();
  const leaveGaps = () => {
    for (let at = 1; at < 100_000; at += 2) reader.insert(at, Buffer.alloc(1), false);
  };
  expect(leaveGaps).toThrow("too many gaps");
});

test("an end without bytes is sent and acknowledged", () => {
  const queue = new SendQueue(0);
  expect(queue.isReady(0)).toBe(false);
  queue.end();
  expect(queue.isReady(0)).toBe(true);
  const part = queue.take(100, 0);
  expect(part).toEqual({ offset: 0, length: 0, isLast: true });
  if (part !== undefined) queue.delivery(part, () => undefined).delivered();
  expect(queue.isDone).toBe(true);
});
