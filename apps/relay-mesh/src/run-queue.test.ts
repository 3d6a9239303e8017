import { encodeRecvPacket } from "@berth/derp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RunQueue } from "./run-queue.ts";

const key = Buffer.alloc(32, 7);

const step = fc.oneof(
  fc.record({
    what: fc.constant("add" as const),
    bytes: fc.nat(6000),
    pieces: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ what: fc.constant("take" as const), bytes: fc.nat(20_000) }),
  fc.record({ what: fc.constant("drop" as const) }),
  fc.record({ what: fc.constant("compact" as const) }),
);

/** A frame in so many chunks of its own, as if it had spanned reads. */
function partsOf(frame: Buffer, pieces: number) {
  const size = Math.ceil(frame.length / pieces);
  return Array.from({ length: Math.ceil(frame.length / size) }, (_, index) => {
    const chunk = Buffer.from(frame.subarray(index * size, (index + 1) * size));
    return { chunk, start: 0, end: chunk.length };
  });
}

test("frames that lie in one chunk or in several are taken and dropped whole, oldest first, whatever happens between", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new RunQueue();
      const waiting: Buffer[] = [];
      let fill = 0;
      for (const each of steps) {
        if (each.what === "add") {
          const frame = encodeRecvPacket(key, Buffer.alloc(each.bytes, (fill += 1)));
          waiting.push(frame);
          if (each.pieces === 1 || frame.length < 300) queue.add(frame, 0, frame.length);
          else queue.addParts(partsOf(frame, each.pieces)); // a first part always holds the header and both keys
        } else if (each.what === "take") {
          const taken = Buffer.concat(queue.take(each.bytes));
          let expected = Buffer.alloc(0);
          while (expected.length < taken.length) expected = Buffer.concat([expected, waiting.shift() ?? key]);
          expect(taken.equals(expected)).toBe(true);
        } else if (each.what === "drop" && waiting.length > 0)
          expect(queue.dropOldest()).toBe(waiting.shift()?.length);
        else if (each.what === "compact") queue.compact();
        expect(queue.frames).toBe(waiting.length);
        expect(queue.bytes).toBe(waiting.reduce((sum, frame) => sum + frame.length, 0));
      }
      expect(Buffer.concat(queue.take(Infinity)).equals(Buffer.concat(waiting))).toBe(true);
    }),
    { numRuns: 300 },
  );
});
