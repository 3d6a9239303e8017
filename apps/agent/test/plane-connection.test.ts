import { test } from "vitest";
import { agent } from "@berth/contract";
import { CodedError, newId } from "@berth/std";
import { eventually, FaultyProxy, recordedLog } from "@berth/testing";
import { Outbox } from "../src/plane/outbox.ts";
import { PlaneConnection, type PlaneOptions } from "../src/plane/plane-connection.ts";
import { ServerClock } from "../src/plane/server-clock.ts";
import { PlanePeer, TOKEN } from "./plane-peer.ts";

function connection(target: string, changes: Partial<PlaneOptions> = {}) {
  const outbox = new Outbox();
  const incarnation = newId<"incarnation">();
  const plane = new PlaneConnection({
    target,
    token: TOKEN,
    hello: () => agent.AgentHello.create({ incarnation, publicKey: Buffer.alloc(32, 1) }),
    outbox,
    clock: new ServerClock(),
    relayRoundTripMs: () => undefined,
    hear: () => undefined,
    log: recordedLog(),
    ...changes,
  });
  const ended = plane.run();
  ended.catch(() => undefined);
  return { plane, outbox, ended, [Symbol.dispose]: () => plane.close() };
}

const stateMessage = (state: agent.LifecycleState) =>
  ({ $case: "lifecycle", value: { state, changedAt: new Date() } }) as const;

const { STARTING, READY, OFF } = agent.LifecycleState;

test.concurrent(
  "what was not acknowledged is sent again on the next stream, in order and with its number",
  async ({ expect }) => {
    await using peer = await PlanePeer.start({ acknowledge: false });
    await using proxy = await FaultyProxy.start({ host: "127.0.0.1", port: peer.port });
    using agentSide = connection(proxy.through(peer.url));
    agentSide.outbox.add(stateMessage(STARTING));
    agentSide.outbox.add(stateMessage(READY));
    await eventually(() => expect(peer.received).toHaveLength(2));
    peer.behaviour.acknowledge = true;
    proxy.cut();
    await agentSide.outbox.empty();
    expect(peer.received.map(({ sequence, stream }) => [Number(sequence), stream])).toEqual([
      [1, 1],
      [2, 1],
      [1, 2],
      [2, 2],
    ]);
    agentSide.outbox.add(stateMessage(OFF));
    await agentSide.outbox.empty();
    expect(peer.lifecycle).toHaveLength(3);
  },
);

test.concurrent(
  "a peer that takes the stream and falls silent is left for another stream",
  async ({ expect }) => {
    await using peer = await PlanePeer.start();
    await using proxy = await FaultyProxy.start({ host: "127.0.0.1", port: peer.port });
    using agentSide = connection(proxy.through(peer.url));
    await peer.stream();
    await eventually(() => expect(agentSide.plane.roundTripMs).toBeGreaterThan(0));
    proxy.silence();
    await eventually(() => expect(proxy.connections).toBeGreaterThan(1), { withinMs: 15_000 }); // a second attempt
    proxy.heal();
    await peer.stream(2);
  },
);

test.concurrent("asked to move, it is up elsewhere before it leaves", async ({ expect }) => {
  await using peer = await PlanePeer.start();
  using _ = connection(peer.url);
  const first = await peer.stream();
  first.send({ $case: "move", value: {} });
  expect((await peer.stream(2)).beside).toBe(1);
  await eventually(() => expect(first.ended).toBe(true));
  expect(peer.streams).toHaveLength(2);
});

test.concurrent(
  "the only replica drains: it is looked for another less and less often, and what it lost is dialed anew at once",
  async ({ expect }) => {
    const log = recordedLog();
    const told = (message: string, field: string) =>
      log.lines.filter((line) => line.message === message).map(({ fields }) => Number(fields[field]));
    await using peer = await PlanePeer.start({ isDraining: true });
    await using proxy = await FaultyProxy.start({ host: "127.0.0.1", port: peer.port });
    using _ = connection(proxy.through(peer.url), { log });
    await eventually(() => expect(told("asked to move", "waitMs").length).toBeGreaterThan(5));
    for (const [at, waitMs] of told("asked to move", "waitMs").entries())
      expect(waitMs).toBeGreaterThanOrEqual(25 * 2 ** at);
    peer.behaviour.isDraining = false;
    const streams = peer.streams.length;
    proxy.cut(); // in the middle of a long wait
    await peer.stream(streams + 1);
    const [retryMs] = told("line to the control plane is down", "retryMs");
    expect(retryMs).toBeLessThanOrEqual(50);
  },
);

test.concurrent(
  "a token that no build has reported yet is tried again until it is known",
  async ({ expect }) => {
    await using peer = await PlanePeer.start({ refuse: "token_unknown: no build has reported it" });
    using _ = connection(peer.url);
    await eventually(() => expect(peer.attempts).toBeGreaterThan(2));
    peer.behaviour.refuse = undefined;
    await peer.stream();
  },
);

test.concurrent("a token that stays unknown ends the agent with the mend", async ({ expect }) => {
  await using peer = await PlanePeer.start({ refuse: "token_unknown: no build has reported it" });
  using agentSide = connection(peer.url, { unknownTokenMs: 300 });
  await expect(agentSide.ended).rejects.toThrow(/CODER_AGENT_TOKEN/);
});

test.concurrent("a token that is revoked in the middle of a stream is final", async ({ expect }) => {
  await using peer = await PlanePeer.start();
  using agentSide = connection(peer.url);
  (await peer.stream()).fail(new CodedError("unauthenticated", "token_revoked: the workspace was stopped"));
  expect(await agentSide.ended).toBe("token_revoked");
});

test.concurrent("a process that was superseded does not come back", async ({ expect }) => {
  await using peer = await PlanePeer.start();
  using agentSide = connection(peer.url);
  (await peer.stream()).send({ $case: "superseded", value: { byIncarnation: newId() } });
  expect(await agentSide.ended).toBe("superseded");
  expect(peer.streams).toHaveLength(1);
});

test.concurrent("a control plane that comes later is found", async () => {
  const early = await PlanePeer.start();
  await using proxy = await FaultyProxy.start({ host: "127.0.0.1", port: early.port });
  proxy.refuse();
  using _ = connection(proxy.through(early.url));
  await new Promise((resolve) => setTimeout(resolve, 300));
  proxy.heal();
  await early.stream();
  await early[Symbol.asyncDispose]();
});
