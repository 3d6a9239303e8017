import { setImmediate as turn } from "node:timers/promises";
import { FrameReader, encodeSendPacket } from "@berth/derp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LinkSender } from "./link-sender.ts";
import { HEADROOM, encodeBatch, meshService } from "./link-wire.ts";

const source = Buffer.alloc(32, 1);
const destination = Buffer.alloc(32, 2);

/** What a sibling reads from the batches that were sent. */
class Receiver {
  readonly packets: Buffer[] = [];
  readonly sizes: number[] = [];
  takesMore = true;
  drained = Promise.withResolvers<undefined>();
  readonly direction = "response" as const;
  readonly #reader = new FrameReader("mesh", (_type, buffer, start, end) => {
    this.packets.push(Buffer.from(buffer.subarray(start + 69, end)));
  });

  send(batch: Buffer): boolean {
    this.sizes.push(batch.length);
    this.#reader.read(Buffer.from(meshService.link.responseDeserialize(batch)));
    return this.takesMore;
  }

  writable(): Promise<void> {
    return this.drained.promise;
  }
}

function add(sender: LinkSender, packet: Buffer): void {
  const frame = encodeSendPacket(destination, packet);
  sender.add(source, frame, 0, frame.length);
}

test("what one turn of the event loop brings leaves in one batch", async () => {
  const sender = new LinkSender(() => undefined);
  const receiver = new Receiver();
  sender.attach(receiver);
  for (let index = 0; index < 30; index += 1) add(sender, Buffer.alloc(1000, index));
  expect(receiver.sizes).toEqual([]);
  await turn();
  expect(receiver.sizes).toHaveLength(1);
  expect(receiver.packets.map((packet) => packet[0])).toEqual([...Array(30).keys()]);
});

test("a batch leaves at 64 KiB without waiting for the turn's end, and packets of any size arrive as they were", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 65_536 }), { maxLength: 30 }), async (sizes) => {
      const sender = new LinkSender(() => undefined);
      const receiver = new Receiver();
      sender.attach(receiver);
      const packets = sizes.map((size, index) => Buffer.alloc(size, index));
      for (const packet of packets) add(sender, packet);
      await turn();
      expect(Buffer.concat(receiver.packets).equals(Buffer.concat(packets))).toBe(true);
      expect(receiver.packets).toHaveLength(packets.length);
      for (const size of receiver.sizes) expect(size).toBeLessThan(2 * 65_536 + 200);
    }),
    { numRuns: 30 },
  );
});

test("a packet that spanned reads arrives whole", async () => {
  const sender = new LinkSender(() => undefined);
  const receiver = new Receiver();
  sender.attach(receiver);
  const packet = Buffer.from(Array.from({ length: 20_000 }, (_, index) => index % 256));
  const frame = encodeSendPacket(destination, packet);
  const cuts = [0, 9000, 9001, frame.length];
  const parts = cuts.slice(1).map((end, index) => ({ chunk: frame, start: cuts[index] ?? 0, end }));
  sender.addParts(source, parts);
  await turn();
  expect(receiver.packets).toEqual([packet]);
});

test("a sibling that takes nothing costs 4 MiB; the oldest packets are dropped and counted (R2)", async () => {
  let dropped = 0;
  const sender = new LinkSender((frames) => (dropped += frames));
  const receiver = new Receiver();
  receiver.takesMore = false;
  sender.attach(receiver);
  const count = 300;
  for (let index = 0; index < count; index += 1) add(sender, Buffer.alloc(32_000, index % 251));
  await turn();
  expect(dropped).toBeGreaterThan(0);
  receiver.takesMore = true;
  receiver.drained.resolve(undefined);
  await turn();
  expect(receiver.packets.length + dropped).toBe(count);
  expect(receiver.packets.at(-1)?.[0]).toBe((count - 1) % 251);
});

test("what waits for a link that ended is dropped, and a new link starts afresh", async () => {
  let dropped = 0;
  const sender = new LinkSender((frames) => (dropped += frames));
  const [first, second] = [new Receiver(), new Receiver()];
  sender.attach(first);
  add(sender, Buffer.from("stale"));
  sender.detach(first);
  sender.attach(second);
  add(sender, Buffer.from("fresh"));
  await turn();
  expect(dropped).toBe(1);
  expect(second.packets.map(String)).toEqual(["fresh"]);
});

test("a batch is the message that generated code would have made", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 20_000 }), (bytes) => {
      const slab = Buffer.concat([Buffer.alloc(HEADROOM), bytes]);
      const response = encodeBatch("response", slab, HEADROOM, slab.length);
      expect(meshService.link.responseDeserialize(response)).toEqual(Buffer.from(bytes));
      const request = encodeBatch("request", slab, HEADROOM, slab.length);
      expect(meshService.link.requestDeserialize(request)).toEqual({ batch: Buffer.from(bytes) });
    }),
  );
});

test("a message with a field that is not known yet is still understood", () => {
  const batch = encodeBatch("response", Buffer.alloc(HEADROOM + 4, 9), HEADROOM, HEADROOM + 4);
  const future = Buffer.concat([batch, Buffer.of(0x78, 0x01)]); // field 15, varint 1
  expect(meshService.link.responseDeserialize(future)).toEqual(Buffer.alloc(4, 9));
});
