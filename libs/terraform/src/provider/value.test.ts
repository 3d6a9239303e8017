import fc from "fast-check";
import { expect, test } from "vitest";
import { UNKNOWN, type Value, decodeValue, encodeValue, sameValue } from "./value.ts";

const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, UNKNOWN),
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => name !== "__proto__"),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
}));

test("every value survives the wire", () => {
  fc.assert(fc.property(anyValue, (value) => sameValue(decodeValue(encodeValue(value)), value)));
});

test("bytes that are no value are refused, whatever they are", () => {
  const wild = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    // a value of which some bytes were changed
    fc
      .tuple(anyValue, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }))
      .map(([value, changes]) => {
        const bytes = Buffer.from(encodeValue(value));
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes;
      }),
  );
  fc.assert(
    fc.property(wild, (bytes) => {
      let read: Value;
      try {
        read = decodeValue(bytes);
      } catch (error) {
        return error instanceof Error;
      }
      return sameValue(decodeValue(encodeValue(read)), read);
    }),
    { numRuns: 1_000 },
  );
});

test("an unknown is extension 0, and one that is refined is still unknown", () => {
  expect(encodeValue(UNKNOWN)).toEqual(Buffer.from([0xd4, 0x00, 0x00]));
  expect(decodeValue(Buffer.from([0xc7, 0x03, 0x0c, 0x81, 0x01, 0xc2]))).toBe(UNKNOWN);
});

test("records with the same entries are the same in any order", () => {
  expect(sameValue({ a: 1, b: UNKNOWN }, { b: UNKNOWN, a: 1 })).toBe(true);
  expect(sameValue({ a: 1 }, { a: null })).toBe(false);
});
