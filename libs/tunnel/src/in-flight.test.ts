import { expect, test } from "vitest";
import { InFlight, type SentPacket } from "./in-flight.ts";

const packet = (number: number): SentPacket => ({
  number,
  phase: 0,
  bytes: 10,
  sentAt: 0,
  deliveries: [],
});
const numbers = (packets: readonly SentPacket[]) => packets.map(({ number }) => number);

test("on a FIFO path whatever was sent before an acknowledged packet is lost at once", () => {
  const flight = new InFlight(1);
  for (let n = 0; n < 8; n++) flight.add(packet(n));
  const settled = flight.acknowledge([
    { high: 6, low: 5 },
    { high: 2, low: 1 },
  ]);
  expect(numbers(settled.acknowledged)).toEqual([1, 2, 5, 6]);
  expect(numbers(settled.lost)).toEqual([0, 3, 4]);
  expect(flight.bytes).toBe(10);
  expect(numbers(flight.abandon())).toEqual([7]);
  expect(flight.bytes).toBe(0);
});

test("on a path that reorders, packets just before an acknowledged one are waited for", () => {
  const flight = new InFlight(3);
  for (let n = 0; n < 6; n++) flight.add(packet(n));
  const settled = flight.acknowledge([{ high: 4, low: 4 }]);
  expect(numbers(settled.lost)).toEqual([0, 1]);
  expect(numbers(flight.acknowledge([{ high: 5, low: 2 }]).acknowledged)).toEqual([2, 3, 5]);
});

test("the same acknowledgement again settles nothing", () => {
  const flight = new InFlight(1);
  flight.add(packet(0));
  flight.acknowledge([{ high: 0, low: 0 }]);
  expect(flight.acknowledge([{ high: 0, low: 0 }])).toEqual({ acknowledged: [], lost: [] });
  expect(flight.acknowledge([])).toEqual({ acknowledged: [], lost: [] });
});
