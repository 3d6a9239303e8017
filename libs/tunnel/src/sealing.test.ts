import fc from "fast-check";
import { expect, test } from "vitest";
import { PacketOpener, PacketSealer } from "./sealing.ts";

const key = Buffer.alloc(32, 3);
const sessionId = Buffer.from("12345678");

test("what was sealed is opened with its path and number", () => {
  const sealer = new PacketSealer(key, sessionId);
  const opener = new PacketOpener(key);
  const property = fc.property(
    fc.uint8Array({ maxLength: 5000 }),
    fc.nat(0xffff_ffff),
    fc.nat(2 ** 47),
    (bytes, path, number) => {
      const plain = Buffer.from(bytes);
      expect(opener.open(Buffer.concat(sealer.seal(path, number, plain)))).toEqual({ path, number, plain });
    },
  );
  fc.assert(property);
});

test("a changed byte anywhere, or any other bytes, open to nothing", () => {
  const sealed = Buffer.concat(new PacketSealer(key, sessionId).seal(1, 2, Buffer.from("keystroke")));
  const opener = new PacketOpener(key);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at]! ^= 0x10;
    expect(opener.open(changed)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => opener.open(Buffer.from(bytes)) === undefined),
  );
  expect(opener.open(sealed)?.plain.toString()).toBe("keystroke");
});

test("keys move on, once per acknowledgement, and the packets around a move are all opened", () => {
  const sealer = new PacketSealer(key, sessionId, { packets: 2, ms: 1e9 });
  const opener = new PacketOpener(key);
  let number = 0;
  const seal = () => Buffer.concat(sealer.seal(1, number++, Buffer.from("x")));
  const opens = (packet: Buffer) => opener.open(packet) !== undefined;
  for (let at = 0; at < 10; at++) expect(opens(seal())).toBe(true);
  expect(sealer.phase).toBe(0); // nothing was acknowledged
  for (let round = 1; round <= 300; round++) {
    const late = seal();
    sealer.confirm(sealer.phase);
    expect(opens(seal())).toBe(true);
    expect(opens(seal())).toBe(true);
    expect(opens(late)).toBe(true);
  }
  expect(sealer.phase).toBeGreaterThan(256); // the header's byte has wrapped
});

test("keys move on with time too", () => {
  const sealer = new PacketSealer(key, sessionId, { packets: 1e9, ms: 0 });
  sealer.seal(1, 1, Buffer.alloc(1));
  sealer.confirm(0);
  sealer.seal(1, 2, Buffer.alloc(1));
  expect(sealer.phase).toBe(1);
});
