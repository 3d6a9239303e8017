import fc from "fast-check";
import { expect, test } from "vitest";
import { agent } from "@berth/contract";
import { type NumberedMessage, Outbox } from "./outbox.ts";

const logs = (...outputs: string[]): NumberedMessage => ({
  $case: "logs",
  value: {
    logSourceId: "source",
    lines: outputs.map((output) => ({ createdAt: undefined, level: agent.AgentLogLevel.INFO, output })),
  },
});

const state = (value: agent.LifecycleState): NumberedMessage => ({
  $case: "lifecycle",
  value: { state: value, changedAt: undefined },
});

function takeAll(outbox: Outbox): agent.ConnectRequest[] {
  const taken: agent.ConnectRequest[] = [];
  for (let next = outbox.take(); next !== undefined; next = outbox.take()) {
    taken.push(next);
    outbox.acknowledged(next.sequence);
  }
  return taken;
}

const outputs = (messages: agent.ConnectRequest[]) =>
  messages.flatMap(({ message }) =>
    message?.$case === "logs" ? message.value.lines.map((l) => l.output) : [],
  );

test("no more than a window is on its way until something is acknowledged", () => {
  const outbox = new Outbox();
  for (let at = 0; at < 40; at += 1) outbox.add(state(agent.LifecycleState.READY));
  const sent: bigint[] = [];
  for (let next = outbox.take(); next !== undefined; next = outbox.take()) sent.push(next.sequence);
  expect(sent).toHaveLength(32);
  outbox.acknowledged(10n);
  expect(outbox.take()?.sequence).toBe(33n);
  outbox.restart();
  expect(outbox.take()?.sequence).toBe(11n);
});

test("when too many log lines wait, the oldest go and one line says how many", () => {
  const outbox = new Outbox(1000);
  outbox.add(state(agent.LifecycleState.STARTING));
  for (let at = 0; at < 20; at += 1) outbox.add(logs(`a${at}`, `b${at}`));
  const sent = takeAll(outbox);
  const [notice, ...lines] = outputs(sent);
  expect(notice).toMatch(/^\[\d+ lines are missing here/);
  const missing = Number(/\d+/.exec(notice ?? "")?.[0]);
  expect(missing + lines.length).toBe(40);
  expect(lines.at(-1)).toBe("b19");
  expect(sent[0]?.message?.$case).toBe("lifecycle");
});

test("whatever is dropped, numbers rise, order holds, and other messages are never lost", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("log" as const), size: fc.nat(400) }),
    fc.record({ kind: fc.constant("state" as const), size: fc.constant(0) }),
    fc.record({ kind: fc.constant("take" as const), size: fc.constant(0) }),
    fc.record({ kind: fc.constant("ack" as const), size: fc.constant(0) }),
    fc.record({ kind: fc.constant("restart" as const), size: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const outbox = new Outbox(1000);
      const delivered = new Map<bigint, agent.ConnectRequest>();
      let states = 0;
      let last: agent.ConnectRequest | undefined;
      for (const { kind, size } of steps) {
        if (kind === "log") outbox.add(logs("x".repeat(size)));
        if (kind === "state") outbox.add(state(agent.LifecycleState.READY));
        if (kind === "state") states += 1;
        if (kind === "restart") outbox.restart();
        if (kind === "take") last = outbox.take() ?? last;
        if (kind === "take" && last !== undefined) delivered.set(last.sequence, last);
        if (kind === "ack" && last !== undefined) outbox.acknowledged(last.sequence);
      }
      outbox.restart();
      for (const message of takeAll(outbox)) delivered.set(message.sequence, message);
      expect(outbox.size).toBe(0);
      expect([...delivered.values()].filter(({ message }) => message?.$case === "lifecycle")).toHaveLength(
        states,
      );
    }),
  );
});
