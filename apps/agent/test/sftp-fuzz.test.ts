import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Packet } from "../src/sftp/protocol.ts";
import { serveSftp } from "../src/sftp/serve-sftp.ts";

// Whatever a client asks, each request has one answer, in order, and nothing is thrown. Names stay inside a folder of the test.

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-sftp-fuzz-"));
  await mkdir(join(folder, "dir"));
  await writeFile(join(folder, "file"), "some bytes");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const string = (bytes: Buffer) => Buffer.concat([uint32(bytes.length), bytes]);

const name = fc
  .constantFrom("", ".", "file", "dir", "dir/x", "absent", "file/x", "link", "a\0b", "~", "x".repeat(300))
  .map((text) => string(Buffer.from(text)));
const odd = fc
  .uint8Array({ minLength: 1, maxLength: 3 })
  .map((bytes) => string(Buffer.from(bytes).fill(0xfe)));
const handle = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.nat()).map((key) => string(uint32(key)));
const number = fc.oneof(fc.nat(64), fc.integer({ min: 0, max: 0xffff_ffff })).map(uint32);
const extension = fc
  .constantFrom("posix-rename@openssh.com", "statvfs@openssh.com", "limits@openssh.com", "fsync@openssh.com")
  .map((text) => string(Buffer.from(text)));
const field = fc.oneof(name, odd, handle, number, extension);
const request = fc.record({
  type: fc.oneof(fc.constantFrom(...Object.values(Packet)), fc.nat(255)),
  fields: fc.array(field, { maxLength: 5 }),
  cut: fc.oneof(fc.constant(0), fc.nat(9)),
});

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

test("every request has its answer, in order, whatever it asks and however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { maxLength: 25 }),
      fc.integer({ min: 1, max: 90 }),
      async (asked, size) => {
        const packets = asked.map(({ type, fields, cut }, id) => {
          const whole = Buffer.concat([Buffer.of(type), uint32(id), ...fields]);
          return string(whole.subarray(0, Math.max(5, whole.length - cut)));
        });
        const init = string(Buffer.concat([Buffer.of(Packet.init), uint32(3)]));
        const answers: Buffer[] = [];
        await serveSftp(
          {
            input: inPieces(Buffer.concat([init, ...packets]), size),
            write: (packet) => Promise.resolve(void answers.push(packet)),
          },
          { folder, home: folder, targetFirst: true },
        );
        for (const answer of answers) expect(answer.readUInt32BE(0)).toBe(answer.length - 4);
        expect(answers.slice(1).map((answer) => answer.readUInt32BE(5))).toEqual(packets.map((_, id) => id));
      },
    ),
    { numRuns: 150 },
  );
});
