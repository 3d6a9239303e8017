import fc from "fast-check";
import { expect, test } from "vitest";
import { currentTraceparent, readTraceparent, withSpan } from "./index.ts";
import { newSpanContext, writeTraceparent } from "./traceparent.ts";

test("the context travels through awaits and is gone outside", async () => {
  const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
  const inner = await withSpan(
    "outer",
    async () => {
      await Promise.resolve();
      return withSpan("inner", () => currentTraceparent());
    },
    { traceparent },
  );
  expect(readTraceparent(inner)).toMatchObject({ traceId: "1".repeat(32), sampled: true });
  expect(inner).not.toBe(traceparent);
  expect(currentTraceparent()).toBeUndefined();
});

test("a span without a caller begins a trace of its own", () => {
  const [a, b] = [1, 2].map(() => withSpan("work", currentTraceparent));
  expect(readTraceparent(a)?.traceId).not.toBe(readTraceparent(b)?.traceId);
});

test("every context survives being written and read, and nothing else is taken for one", () => {
  const hex = (length: number) =>
    fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((id) => !/^0+$/.test(id));
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
      const span = { traceId, spanId, sampled };
      expect(readTraceparent(writeTraceparent(span))).toEqual(span);
      expect(newSpanContext(span).traceId).toBe(traceId);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => readTraceparent(text) === undefined));
  expect(readTraceparent(`00-${"0".repeat(32)}-${"1".repeat(16)}-01`)).toBeUndefined();
});
