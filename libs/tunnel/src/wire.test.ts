import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeFrames,
  encodeFrame,
  STREAM_FRAME_BYTES,
  writeStreamHead,
  type ControlFrame,
  type Frame,
} from "./wire.ts";

const id = fc.integer({ min: 0, max: 0xffff_ffff });
const offset = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const token = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes));
const reason = fc.string({ maxLength: 200 });
const code = fc.string({ maxLength: 40 });
const range = fc.record({ high: offset, low: offset });

const control: fc.Arbitrary<ControlFrame> = fc.oneof(
  fc.constant({ type: "ping" as const }),
  fc.record({
    type: fc.constant("ack" as const),
    path: id,
    delayMicros: id,
    ranges: fc.array(range, { maxLength: 16 }),
  }),
  fc.record({ type: fc.constant("maxData" as const), bytes: offset }),
  fc.record({ type: fc.constant("maxStreamData" as const), stream: id, bytes: offset }),
  fc.record({ type: fc.constant("reset" as const), stream: id, finalOffset: offset, code, reason }),
  fc.record({ type: fc.constant("stop" as const), stream: id, code, reason }),
  fc.record({ type: fc.constantFrom("challenge" as const, "response" as const), token }),
  fc.record({ type: fc.constant("close" as const), reason }),
  fc.record({ type: fc.constant("ticket" as const), ticket: reason }),
);
const stream = fc.record({
  type: fc.constant("stream" as const),
  stream: id,
  offset,
  isLast: fc.boolean(),
  data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

function encode(frame: Frame): Buffer {
  if (frame.type !== "stream") return encodeFrame(frame);
  const head = Buffer.alloc(STREAM_FRAME_BYTES);
  writeStreamHead(head, 0, frame, frame.data.length);
  return Buffer.concat([head, frame.data]);
}

test("frames are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(control, stream), { maxLength: 8 }), (frames) => {
      expect(decodeFrames(Buffer.concat(frames.map(encode)))).toEqual(frames);
    }),
  );
});

test("a frame of a newer release is skipped, and what follows it is read", () => {
  const newer = Buffer.from([0x7f, 0, 3, 1, 2, 3]);
  expect(decodeFrames(Buffer.concat([newer, encodeFrame({ type: "ping" })]))).toEqual([{ type: "ping" }]);
});

test("any bytes are read, or refused as cut short", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      try {
        decodeFrames(Buffer.from(bytes));
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: "invalid_argument" });
      }
    }),
  );
});
