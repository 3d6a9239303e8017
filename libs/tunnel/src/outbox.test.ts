import { expect, test } from "vitest";
import type { Delivery } from "./in-flight.ts";
import { Outbox } from "./outbox.ts";
import { PacketBuilder } from "./packet-builder.ts";
import { decodeFrames, type Frame } from "./wire.ts";

function take(outbox: Outbox, limitBytes = 1000): { frames: Frame[]; deliveries: readonly Delivery[] } {
  const builder = new PacketBuilder();
  builder.begin(limitBytes);
  outbox.fill(builder);
  return { frames: decodeFrames(builder.plain), deliveries: builder.deliveries };
}

const credit = (bytes: number) => ({ type: "maxData", bytes }) as const;

test("a newer frame takes the place of an older one of its key", () => {
  const outbox = new Outbox();
  outbox.put("credit", credit(1));
  outbox.put("credit", credit(2));
  expect(take(outbox).frames).toEqual([credit(2)]);
  expect(take(outbox).frames).toEqual([]);
});

test("a lost frame is sent again, unless a newer one of its key was sent or it has arrived", () => {
  const outbox = new Outbox();
  outbox.put("credit", credit(1));
  const first = take(outbox);
  first.deliveries[0]?.lost();
  const second = take(outbox);
  expect(second.frames).toEqual([credit(1)]);
  outbox.put("credit", credit(2));
  const third = take(outbox);
  second.deliveries[0]?.lost(); // the newer one says it all
  expect(take(outbox).frames).toEqual([]);
  third.deliveries[0]?.delivered();
  third.deliveries[0]?.lost();
  expect(take(outbox).frames).toEqual([]);
});

test("a frame that is sent once is not sent again, and what does not fit waits for the next packet", () => {
  const outbox = new Outbox();
  outbox.putOnce("ping", { type: "ping" });
  outbox.put("close", { type: "close", reason: "x".repeat(80) });
  expect(take(outbox, 20)).toMatchObject({ frames: [{ type: "ping" }], deliveries: [] });
  expect(take(outbox).frames).toMatchObject([{ type: "close" }]);
});
