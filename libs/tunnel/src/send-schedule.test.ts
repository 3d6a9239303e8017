import { expect, test } from "vitest";
import { SendSchedule } from "./send-schedule.ts";

class Flow {
  readonly name: string;
  bytes: number;
  constructor(name: string, bytes: number) {
    this.name = name;
    this.bytes = bytes;
  }
  isReady(): boolean {
    return this.bytes > 0;
  }
}

function drain(schedule: SendSchedule<Flow>, packets: number, onlyUrgent = false): string[] {
  return Array.from({ length: packets }, () => {
    const flow = schedule.next(onlyUrgent);
    if (flow === undefined) return "-";
    const sent = Math.min(flow.bytes, 32_768);
    flow.bytes -= sent;
    schedule.served(flow, sent);
    return flow.name;
  });
}

test("a keystroke goes before copies that have long been waiting, also when only urgent bytes may go", () => {
  const schedule = new SendSchedule<Flow>();
  const [copy, other, shell] = [new Flow("copy", 1e6), new Flow("other", 1e6), new Flow("shell", 0)];
  schedule.wake(copy, 0);
  schedule.wake(other, 0);
  expect(drain(schedule, 6)).toEqual(["copy", "other", "copy", "other", "copy", "other"]);
  for (let stroke = 1; stroke <= 100; stroke++) {
    shell.bytes = 50;
    schedule.wake(shell, stroke * 10);
    expect(drain(schedule, 2, true)).toEqual(["shell", "-"]);
  }
});

test("whoever sends much is not urgent any more, and starves nobody", () => {
  const schedule = new SendSchedule<Flow>();
  const [copy, greedy] = [new Flow("copy", 1e9), new Flow("greedy", 0)];
  schedule.wake(copy, 0);
  drain(schedule, 2);
  const turns = Array.from({ length: 100 }, (_, at) => {
    greedy.bytes += 32_768;
    schedule.wake(greedy, at);
    return drain(schedule, 1);
  }).flat();
  expect(turns.filter((name) => name === "copy").length).toBeGreaterThan(40);
});

test("a removed flow gets no turn", () => {
  const schedule = new SendSchedule<Flow>();
  const copy = new Flow("copy", 100);
  schedule.wake(copy, 0);
  schedule.remove(copy);
  expect(schedule.next(false)).toBeUndefined();
});
