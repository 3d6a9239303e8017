import { registry } from "@berth/contract";
import type { Logger } from "@berth/telemetry";
import { expect, test } from "vitest";
import { Alarms, distanceAlarms, relayAlarms } from "./alarms.ts";

const peer = (change: { medianMs?: number; samples?: number; unreachable?: boolean }) => ({
  replica: registry.Replica.fromPartial({ id: "b", hostname: "host-b", pingAddress: "http://10.0.0.2:3000" }),
  ...{ medianMs: 1, worstMs: 2, samples: 30, unreachable: false },
  ...change,
});
const codes = (...args: Parameters<typeof distanceAlarms>) =>
  [...distanceAlarms(...args).values()].map(({ code }) => code);

test("a pair, and Postgres, are far from 10 ms on, once there are enough samples", () => {
  expect(codes([peer({ medianMs: 10 })], 10)).toEqual([]);
  expect(codes([peer({ medianMs: 10.1 })], 10.1)).toEqual(["EREP01", "EREP02"]);
  expect(codes([peer({ medianMs: 50, samples: 3 })], undefined)).toEqual([]);
  expect(codes([peer({ medianMs: 50, unreachable: true })], undefined)).toEqual(["EREP03"]);
});

test("an api without any relay is told, one with custom relays is not", () => {
  const alone = [{ services: ["api"] }];
  expect([...relayAlarms(["api"], alone, false).keys()]).toEqual(["relays"]);
  expect(relayAlarms(["api"], alone, true).size).toBe(0);
  expect(relayAlarms(["api"], [...alone, { services: ["relay-mesh"] }], false).size).toBe(0);
  expect(relayAlarms(["replica-registry"], alone, false).size).toBe(0);
});

test("what is wrong is said once when it begins and once when it is over, by the pair's name", () => {
  const lines: [string, string][] = [];
  const write = (level: string) => (message: string) => void lines.push([level, message]);
  const log: Logger = {
    ...{ debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
    child: () => log,
  };
  const alarms = new Alarms(log);
  const far = distanceAlarms([peer({ medianMs: 12 })], undefined);
  const none = distanceAlarms([], undefined);
  for (const wrong of [far, far, none, none]) alarms.update(wrong);
  expect(lines.map(([level]) => level)).toEqual(["warn", "info"]);
  expect(lines[0]?.[1]).toContain(
    "EREP01: the round trip to replica host-b (http://10.0.0.2:3000) is 12.0 ms",
  );
});
