import fc from "fast-check";
import { expect, test } from "vitest";
import { DerpProtocolError, Frame, FrameReader, type ReadingEnd, encodeFrame } from "./index.ts";

interface Heard {
  readonly type: number;
  readonly bytes: string;
}

function readAll(end: ReadingEnd, chunks: readonly Buffer[]): Heard[] {
  const heard: Heard[] = [];
  const reader = new FrameReader(end, (type, buffer, start, stop) =>
    heard.push({ type, bytes: buffer.toString("hex", start, stop) }),
  );
  for (const chunk of chunks) reader.read(chunk);
  return heard;
}

function split(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => stream.subarray(at[index], end));
}

const clientFrame = fc.oneof(
  fc
    .uint8Array({ minLength: 32, maxLength: 3000 })
    .map((p) => encodeFrame(Frame.sendPacket.code, Buffer.from(p))),
  fc.uint8Array({ minLength: 8, maxLength: 40 }).map((p) => encodeFrame(Frame.ping.code, Buffer.from(p))),
  fc.constantFrom(0, 1).map((p) => encodeFrame(Frame.notePreferred.code, Buffer.of(p))),
);
const unknownFrame = fc
  .tuple(fc.constantFrom(0x00, 0x06, 0x77, 0xff), fc.uint8Array({ maxLength: 200 }))
  .map(([type, payload]) => encodeFrame(type, Buffer.from(payload)));

test("any split of a stream into chunks gives the same frames, without the unknown ones", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(clientFrame, unknownFrame), { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 40 }),
      (frames, cuts) => {
        const known = frames.filter((frame) => [0x04, 0x07, 0x12].includes(frame[0] ?? 0));
        const expected = known.map((frame) => ({ type: frame[0], bytes: frame.toString("hex") }));
        expect(readAll("relay", split(Buffer.concat(frames), cuts))).toEqual(expected);
      },
    ),
  );
});

test("one byte at a time gives the same frames", () => {
  const stream = Buffer.concat([
    encodeFrame(Frame.keepAlive.code),
    encodeFrame(Frame.ping.code, Buffer.alloc(8, 7)),
  ]);
  const bytes = Array.from(stream, (byte) => Buffer.of(byte));
  expect(readAll("client", bytes).map(({ type }) => type)).toEqual([Frame.keepAlive.code, Frame.ping.code]);
});

test("random bytes never throw anything but the protocol error", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<ReadingEnd>("relay", "client", "mesh"),
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }),
      (end, chunks) => {
        try {
          readAll(
            end,
            chunks.map((chunk) => Buffer.from(chunk)),
          );
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(DerpProtocolError);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("long frames that span chunks come in parts to whoever wants them so, every byte in place", () => {
  const sizes = fc.array(fc.integer({ min: 32, max: 65_568 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(), { maxLength: 30 }), (lengths, cuts) => {
      const frames = lengths.map((length, index) =>
        encodeFrame(Frame.sendPacket.code, Buffer.alloc(length, index)),
      );
      const heard: string[] = [];
      const reader = new FrameReader(
        "relay",
        (_type, buffer, start, end) => heard.push(buffer.toString("hex", start, end)),
        (_type, parts) => {
          const pieces = parts.map(({ chunk, start, end }) => chunk.subarray(start, end));
          expect(pieces[0]?.length).toBeGreaterThanOrEqual(69);
          heard.push(Buffer.concat(pieces).toString("hex"));
        },
      );
      for (const chunk of split(Buffer.concat(frames), cuts)) reader.read(chunk);
      expect(heard).toEqual(frames.map((frame) => frame.toString("hex")));
      expect(reader.isBetweenFrames).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("a frame inside one chunk is a view of that chunk", () => {
  const chunk = encodeFrame(Frame.ping.code, Buffer.alloc(8));
  new FrameReader("relay", (_type, buffer) => expect(buffer).toBe(chunk)).read(chunk);
});

const header = (type: number, length: number) => {
  const bytes = Buffer.alloc(5);
  bytes[0] = type;
  bytes.writeUInt32BE(length, 1);
  return bytes;
};

test.each<[ReadingEnd, string, number, number, boolean]>([
  ["relay", "a packet of 64 KiB", Frame.sendPacket.code, 32 + 65_536, true],
  ["relay", "a packet over 64 KiB", Frame.sendPacket.code, 33 + 65_536, false],
  ["relay", "a packet without a whole key", Frame.sendPacket.code, 31, false],
  ["relay", "a ClientInfo of 256 KiB", Frame.clientInfo.code, 262_144, true],
  ["relay", "a ClientInfo over 256 KiB", Frame.clientInfo.code, 262_145, false],
  ["relay", "a ClientInfo without a nonce", Frame.clientInfo.code, 55, false],
  ["relay", "a NotePreferred of two bytes", Frame.notePreferred.code, 2, false],
  ["relay", "a ping of 7 bytes", Frame.ping.code, 7, false],
  ["relay", "a ping of 1000 bytes", Frame.ping.code, 1000, true],
  ["relay", "a ping of 1001 bytes", Frame.ping.code, 1001, false],
  ["relay", "an unknown frame of 4 GiB", 0x70, 0xffff_ffff, true],
  ["client", "an unknown frame over 1 MiB", 0x70, 1_048_577, false],
  ["client", "a PeerGone of an old server", Frame.peerGone.code, 32, true],
  ["client", "a ServerKey with a future tail", Frame.serverKey.code, 1024, true],
  ["mesh", "anything but ForwardPacket", 0x70, 1, false],
  ["mesh", "a ForwardPacket without both keys", Frame.forwardPacket.code, 63, false],
])("at the %s end, %s", (end, _what, type, length, accepted) => {
  const read = () => readAll(end, [header(type, length)]);
  if (accepted) expect(read()).toEqual([]);
  else expect(read).toThrow(DerpProtocolError);
});
