import { encodeRecvPacket } from "@berth/derp";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Backlog, Outbox, type Transport } from "./outbox.ts";

/** A transport that takes a write only when told to. */
class SlowTransport implements Transport {
  readonly writes: Buffer[][] = [];
  #written: (() => void) | undefined;

  write(chunks: readonly Buffer[], written: () => void): void {
    this.writes.push([...chunks]);
    this.#written = written;
  }

  take(): void {
    this.#written?.();
  }

  get sent(): Buffer {
    return Buffer.concat(this.writes.flat());
  }

  end(): void {
    this.#written = undefined;
  }

  destroy(): void {
    this.#written = undefined;
  }
}

const key = Buffer.alloc(32, 7);
const frame = (bytes: number, fill = 0) => encodeRecvPacket(key, Buffer.alloc(bytes, fill));

function setUp() {
  const transport = new SlowTransport();
  const backlog: Backlog = { waitingBytes: 0 };
  const dropped = { frames: 0, bytes: 0 };
  const outbox = new Outbox(transport, backlog, (frames, bytes) => {
    dropped.frames += frames;
    dropped.bytes += bytes;
  });
  return { transport, backlog, dropped, outbox };
}

test("neighbours in a chunk leave as one view of it, in one write", () => {
  const { transport, outbox } = setUp();
  const chunk = Buffer.concat([frame(2000), frame(3000)]);
  expect(outbox.add(chunk, 0, 2037)).toBe(true);
  expect(outbox.add(chunk, 2037, chunk.length)).toBe(false);
  outbox.flush();
  expect(transport.writes).toHaveLength(1);
  expect(transport.writes[0]?.[0]).toBe(chunk);
});

test("whatever is added, in whatever runs, leaves whole and in order", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ sizes: fc.array(fc.nat(6000), { minLength: 1, maxLength: 5 }), takes: fc.boolean() }),
      ),
      (reads) => {
        const { transport, backlog, outbox } = setUp();
        const all: Buffer[] = [];
        for (const { sizes, takes } of reads) {
          const frames = sizes.map((size) => frame(size, all.length));
          const chunk = Buffer.concat(frames);
          let at = 0;
          for (const [index, { length }] of frames.entries()) {
            if (index % 3 !== 2) outbox.add(chunk, at, at + length); // every third goes to somebody else
            at += length;
          }
          all.push(...frames.filter((_, index) => index % 3 !== 2));
          outbox.flush();
          if (takes) transport.take();
        }
        for (let guard = 0; guard <= reads.length; guard += 1) transport.take();
        expect(transport.sent.equals(Buffer.concat(all))).toBe(true);
        expect(backlog.waitingBytes).toBe(0);
      },
    ),
  );
});

test("a destination that takes nothing loses its oldest frames, and keeps 2 MiB and 512 frames (R2)", () => {
  const { transport, dropped, outbox } = setUp();
  const count = 3000;
  outbox.add(frame(10), 0, 47);
  outbox.flush(); // this write is pending from now on
  for (let index = 0; index < count; index += 1) {
    const one = frame(1300, index % 251);
    outbox.add(one, 0, one.length);
    outbox.flush();
  }
  expect(outbox.waitingBytes).toBeLessThanOrEqual(2 * 1024 * 1024);
  expect(outbox.waitingBytes).toBeGreaterThan(2 * 1024 * 1024 - 2000);
  expect(dropped.frames).toBe(count - outbox.waitingBytes / 1337);
  transport.take();
  expect(transport.writes[1]?.[0]?.[40]).toBe(dropped.frames % 251); // the oldest that was kept
});

test("512 frames of any size may wait", () => {
  const { dropped, outbox } = setUp();
  outbox.add(frame(10), 0, 47);
  outbox.flush();
  for (let index = 0; index < 512; index += 1) {
    const one = frame(32_768);
    outbox.add(one, 0, one.length);
    outbox.flush();
  }
  expect(dropped.frames).toBe(0);
  const one = frame(32_768);
  outbox.add(one, 0, one.length);
  outbox.flush();
  expect(dropped.frames).toBe(1);
});

test("control frames go before packets that wait", () => {
  const { transport, outbox } = setUp();
  outbox.add(frame(10), 0, 47);
  outbox.flush();
  const waiting = frame(20);
  outbox.add(waiting, 0, waiting.length);
  outbox.flush();
  outbox.control(Buffer.from("control"));
  transport.take();
  expect(transport.writes[1]?.[0]?.toString()).toBe("control");
  expect(transport.writes[1]?.[1]).toEqual(waiting);
});

test("small frames that wait do not hold on to the large reads they came in", () => {
  const { transport, outbox } = setUp();
  outbox.add(frame(10), 0, 47);
  outbox.flush();
  for (let index = 0; index < 2; index += 1) {
    const one = frame(100);
    const read = Buffer.concat([one, Buffer.alloc(65_000)]);
    outbox.add(read, 0, one.length);
    outbox.flush();
  }
  transport.take();
  expect(transport.writes[1]?.every((chunk) => chunk.buffer.byteLength < 65_000)).toBe(true);
});

test("an ended outbox sends nothing and counts what it dropped", () => {
  const { transport, dropped, backlog, outbox } = setUp();
  outbox.add(frame(10), 0, 47);
  outbox.end();
  outbox.control(Buffer.from("late"));
  outbox.flush();
  expect(transport.writes).toEqual([]);
  expect(dropped.frames).toBe(1);
  expect(backlog.waitingBytes).toBe(0);
});
