import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PacketOpener, PacketSealer } from "../src/sealing.ts";
import { TunnelSession } from "../src/session.ts";
import { STREAM_CREDIT_BYTES } from "../src/session-stream.ts";
import type { SessionEnd, TunnelStream } from "../src/types.ts";
import { encodeTarget } from "../src/stream-target.ts";
import {
  type ControlFrame,
  decodeFrames,
  encodeFrame,
  type Frame,
  STREAM_FRAME_BYTES,
  writeStreamHead,
} from "../src/wire.ts";

// A peer that holds the keys and keeps no rule: what it can do is end the session that it shares, with a reason.

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => vi.useRealTimers());

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A session at whose other end the test seals whatever it likes. */
class Victim implements Disposable {
  readonly session: TunnelSession;
  readonly streams: TunnelStream[] = [];
  readonly heard: Frame[] = [];
  end: SessionEnd | undefined;
  packets = 0;
  readonly #sealer: PacketSealer;
  #number = 0;

  constructor(options: { readonly isReading?: boolean; readonly maxUnacknowledged?: number } = {}) {
    const [theirs, ours] = [randomBytes(32), randomBytes(32)];
    const id = randomBytes(8);
    const keys = { send: ours, receive: theirs, handshakeHash: Buffer.alloc(32) };
    this.session = new TunnelSession({ id, peerKey: randomBytes(32), keys, isDialer: false, ...options });
    this.#sealer = new PacketSealer(theirs, id);
    const opener = new PacketOpener(ours);
    this.session.onStream((stream) => {
      this.streams.push(stream);
      if (options.isReading === true) stream.resume();
    });
    void this.session.ended.then((end) => (this.end = end));
    const send = (parts: readonly Buffer[]) => {
      this.packets += 1;
      this.heard.push(...decodeFrames(opener.open(Buffer.concat(parts))?.plain ?? Buffer.alloc(0)));
      return true;
    };
    this.session.usePath({ kind: "relay", maxPacketBytes: 32_000, send, onDrain: () => undefined });
  }

  say(...frames: readonly Frame[]): void {
    this.sayBytes(Buffer.concat(frames.map(encode)));
  }

  sayBytes(plain: Buffer): void {
    this.session.receive(Buffer.concat(this.#sealer.seal(1, this.#number++, plain)));
  }

  async ending(): Promise<string> {
    await turn();
    expect(this.end).toMatchObject({ kind: "closed", by: "us" });
    return this.end?.kind === "closed" ? this.end.reason : "";
  }

  [Symbol.dispose](): void {
    void this.session.close();
  }
}

function encode(frame: Frame): Buffer {
  if (frame.type !== "stream") return encodeFrame(frame);
  const head = Buffer.alloc(STREAM_FRAME_BYTES);
  writeStreamHead(head, 0, frame, frame.data.length);
  return Buffer.concat([head, frame.data]);
}

const bytes = (stream: number, offset: number, data: Buffer, isLast = false): Frame => ({
  ...{ type: "stream" as const, stream, offset, data, isLast },
});
const target = encodeTarget({ service: "ssh" });

test.each<[string, Frame[], RegExp]>([
  [
    "more than a stream's credit",
    [bytes(0, STREAM_CREDIT_BYTES, Buffer.alloc(1))],
    /more than it was granted/,
  ],
  ["the highest offset there is", [bytes(0, 2 ** 48 - 1, Buffer.alloc(9))], /more than it was granted/],
  [
    "more than the session's credit, in many streams",
    Array.from({ length: 9 }, (_, at) => bytes(2 * at, STREAM_CREDIT_BYTES - 1, Buffer.alloc(1))),
    /more than it was granted/,
  ],
  [
    "a reset beyond the credit",
    [{ type: "reset", stream: 0, finalOffset: STREAM_CREDIT_BYTES + 1, code: "cancelled", reason: "" }],
    /more than it was granted/,
  ],
  ["two ends of one stream", [bytes(0, 0, target, true), bytes(0, 50, target, true)], /contradicts itself/],
  ["bytes behind the end", [bytes(0, 0, target, true), bytes(0, 99, target)], /contradicts itself/],
  ["a stream far beyond those that are open", [bytes(2 * 5000, 0, target)], /too many streams/],
  [
    "an acknowledgement of what was never sent",
    [{ type: "ack", path: 1, delayMicros: 0, ranges: [{ high: 1000, low: 1000 }] }],
    /never sent/,
  ],
])("%s ends the session with the reason", async (_, frames, reason) => {
  using victim = new Victim();
  await turn(); // it has sent its first packet
  for (const frame of frames) victim.say(frame);
  expect(await victim.ending()).toMatch(reason);
  expect(victim.heard.at(-1)).toMatchObject({ type: "close" });
});

test("a peer that acknowledges nothing and asks for ever more ends the session, and not our memory", async () => {
  using victim = new Victim({ maxUnacknowledged: 500 });
  for (let asked = 0; victim.end === undefined && asked < 2_000; asked += 1) {
    victim.say({ type: "challenge", token: Buffer.alloc(8) });
    await turn();
  }
  expect(await victim.ending()).toMatch(/acknowledges nothing/);
});

test("nor do streams that are opened, refused, and never acknowledged", async () => {
  using victim = new Victim({ maxUnacknowledged: 500 });
  for (let at = 0; victim.end === undefined && at < 2_000; at += 1) {
    victim.say(bytes(2 * at, 0, Buffer.from([0, 1, 0]), true)); // its target is no JSON
    await turn();
  }
  expect(await victim.ending()).toMatch(/acknowledges nothing/);
});

test("frames of no bytes open and close streams, and an id is never used twice", async () => {
  using victim = new Victim({ isReading: true });
  victim.say(
    bytes(0, 0, Buffer.alloc(0)),
    bytes(0, 0, target),
    bytes(0, target.length, Buffer.alloc(0), true),
  );
  const [first] = victim.streams;
  first?.end();
  for (let turns = 0; turns < 10; turns += 1) await turn();
  victim.say({ type: "ack", path: 1, delayMicros: 0, ranges: [{ high: victim.packets - 1, low: 0 }] });
  await turn();
  victim.say(bytes(0, 0, target), bytes(0, 0, Buffer.from("again"), true));
  await turn();
  expect(victim.streams).toHaveLength(1);
  expect(first?.destroyed).toBe(true);
  expect(victim.end).toBeUndefined();
});

const id = fc.oneof(fc.nat(12), fc.nat(0xffff_ffff));
const offset = fc.oneof(fc.nat(3000), fc.nat(5_000_000), fc.integer({ min: 0, max: 2 ** 48 - 1 }));
const text = fc.string({ maxLength: 30 });
const range = fc.record({ high: fc.oneof(fc.nat(5), offset), low: fc.oneof(fc.nat(5), offset) });
const control: fc.Arbitrary<ControlFrame> = fc.oneof(
  fc.record({
    ...{ type: fc.constant("ack" as const), path: fc.oneof(fc.constant(1), id), delayMicros: id },
    ranges: fc.array(range, { maxLength: 4 }),
  }),
  fc.record({ type: fc.constant("maxData" as const), bytes: offset }),
  fc.record({ type: fc.constant("maxStreamData" as const), stream: id, bytes: offset }),
  fc.record({
    type: fc.constant("reset" as const),
    stream: id,
    finalOffset: offset,
    code: text,
    reason: text,
  }),
  fc.record({ type: fc.constant("stop" as const), stream: id, code: text, reason: text }),
  fc.record({ type: fc.constant("ticket" as const), ticket: text }),
);
const data = fc.oneof(
  fc.constant(target),
  fc.uint8Array({ maxLength: 1500 }).map((some) => Buffer.from(some)),
);
const stream = fc.record({
  ...{ type: fc.constant("stream" as const), stream: id, offset, isLast: fc.boolean(), data },
});

test("whatever a peer says, in whatever order, its session goes on or ends with a reason; nothing is thrown", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(control, stream, fc.uint8Array({ maxLength: 60 })), { maxLength: 40 }),
      async (said) => {
        using victim = new Victim({ isReading: true });
        await victim.session.open({ service: "tcp", port: 1 });
        for (const [at, each] of said.entries()) {
          if (each instanceof Uint8Array) victim.sayBytes(Buffer.from(each));
          else victim.say(each);
          if (at % 4 === 0) await turn();
        }
        await turn();
        if (victim.end !== undefined) expect(victim.end.kind).toBe("closed");
      },
    ),
    { numRuns: 400 },
  );
});
