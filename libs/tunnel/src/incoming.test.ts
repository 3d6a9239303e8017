import fc from "fast-check";
import { expect, test } from "vitest";
import { Incoming } from "./incoming.ts";
import { PacketOpener, PacketSealer } from "./sealing.ts";

const key = Buffer.alloc(32, 9);
const plain = Buffer.from("x");

function ends() {
  const sealer = new PacketSealer(key, Buffer.from("12345678"));
  const incoming = new Incoming(new PacketOpener(key));
  const seal = (path: number, number: number) => Buffer.concat(sealer.seal(path, number, plain));
  return { incoming, seal };
}

test("every packet is heard at most once, whatever the order and however often it comes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(300)), { maxLength: 400 }),
      (sent) => {
        const { incoming, seal } = ends();
        const heard = new Set<string>();
        for (const [path, number] of sent) {
          if (incoming.open(seal(path, number), 0) === undefined) continue;
          expect(heard.has(`${path}/${number}`)).toBe(false);
          heard.add(`${path}/${number}`);
        }
        expect(heard.size > 0 || sent.length === 0).toBe(true);
      },
    ),
  );
});

test("what comes in order is always heard, and is acknowledged in one range", () => {
  const { incoming, seal } = ends();
  for (let number = 0; number < 500; number++) {
    expect(incoming.open(seal(1, number), number)).toBeDefined();
    incoming.owe(1, number);
  }
  expect(incoming.takeAck(499)).toEqual({
    type: "ack",
    path: 1,
    delayMicros: 0,
    ranges: [{ high: 499, low: 0 }],
  });
  expect(incoming.takeAck(499)).toBeUndefined();
});

test("a single packet may wait a little for company, two may not", () => {
  const { incoming, seal } = ends();
  incoming.open(seal(1, 0), 100);
  incoming.owe(1, 100);
  expect(incoming.ackDeadline).toBe(105);
  incoming.owe(1, 102);
  expect(incoming.ackDeadline).toBe(100);
});

test("a new path is told from a known one, and a path that was long left is closed to replays", () => {
  const { incoming, seal } = ends();
  const old = seal(1, 7);
  expect(incoming.open(seal(1, 1), 0)?.isNewPath).toBe(true);
  expect(incoming.open(seal(1, 2), 0)?.isNewPath).toBe(false);
  for (let path = 2; path < 20; path++) expect(incoming.open(seal(path, 1), 0)?.isNewPath).toBe(true);
  expect(incoming.open(old, 0)).toBeUndefined();
});
