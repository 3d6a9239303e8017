import fc from "fast-check";
import { expect, test } from "vitest";
import { errorFields, Frames } from "./frames.ts";

function frame(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const anyFrame = fc.record({
  type: fc.constantFrom("Z", "E", "S", "D", "C", "T"),
  body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

test("wanted frames are heard whole and in order, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame),
      fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }),
      (frames, sizes) => {
        const heard: [string, string][] = [];
        const reader = new Frames("server", "ZE", (type, body) => heard.push([type, body.toString("hex")]));
        let rest = Buffer.concat(frames.map(({ type, body }) => frame(type, body)));
        for (let turn = 0; rest.length > 0; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          reader.scan(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        const wanted = frames.filter(({ type }) => "ZE".includes(type));
        expect(heard).toEqual(wanted.map(({ type, body }) => [type, body.toString("hex")]));
      },
    ),
  );
});

test("a client's first frame has no type", () => {
  const heard: string[] = [];
  const reader = new Frames("client", "Q", (type) => heard.push(type));
  const startup = Buffer.from([0, 0, 0, 8, 0, 3, 0, 0]);
  reader.scan(Buffer.concat([startup, frame("Q", Buffer.from("select 1\0"))]));
  expect(heard).toEqual(["Q"]);
});

test("an error's fields are found by their letter", () => {
  const fields = errorFields(Buffer.from("SFATAL\0C57P01\0Mshutting down\0\0"));
  expect([fields.get("C"), fields.get("M")]).toEqual(["57P01", "shutting down"]);
});
