import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agent } from "@berth/contract";
import { openWebSocket } from "@berth/rpc";
import { eventually } from "@berth/testing";
import { AgentLine, newAgentProcess } from "./edge/agent.ts";
import { agentOf, buildResult, newDaemon, takeJob } from "./edge/daemon.ts";
import { Followed } from "./edge/followed.ts";
import { startDeployment, type Deployment, type Replica } from "./edge/deployment.ts";
import { makeWorld, postBuild } from "./edge/world.ts";

let deployment: Deployment;
let one: Replica;

beforeAll(async () => {
  deployment = await startDeployment();
  one = await deployment.startReplica();
});
afterAll(() => deployment[Symbol.asyncDispose]());

interface Line {
  readonly id: number;
  readonly output: string;
}

test("a log that is followed over replicas that die has no gap and no repeat, and ends with 1000 and nothing more", async () => {
  const world = await makeWorld(deployment.database, one.edge.hints);
  const { buildId } = await postBuild(deployment.database, one.edge.hints, world);
  const { run, line } = await takeJob(one, newDaemon());
  const dying = await deployment.startReplica();
  const path = `/workspacebuilds/${buildId}/logs?follow=true`;
  const before = await Followed.open<Line>(dying, path);
  for (let n = 0; n < 50; n += 1) run.log(`line ${n}`);
  await before.until(20);
  await dying[Symbol.asyncDispose]();
  const seen = [...before.messages];
  for (let n = 50; n < 100; n += 1) run.log(`line ${n}`);
  const after = await Followed.open<Line>(one, `${path}&after=${seen.at(-1)!.id}`);
  run.say(buildResult([]));
  expect(await after.closed).toMatchObject({ code: 1000 });
  const all = [...seen, ...after.messages];
  expect(all.map(({ output }) => output)).toEqual(Array.from({ length: 100 }, (_, n) => `line ${n}`));
  expect(all.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  line.cancel();
});

test("a draining replica ends its followers with 1012, so that they come back", async () => {
  const world = await makeWorld(deployment.database, one.edge.hints);
  const { buildId } = await postBuild(deployment.database, one.edge.hints, world);
  const { line } = await takeJob(one, newDaemon());
  const leaving = await deployment.startReplica();
  const log = await Followed.open(leaving, `/workspacebuilds/${buildId}/logs?follow=true`);
  const watch = await Followed.open(leaving, `/workspaces/${world.workspaceId}/watch-ws`);
  await watch.until(2);
  leaving.drain();
  expect(await log.closed).toMatchObject({ code: 1012 });
  expect(await watch.closed).toMatchObject({ code: 1012 });
  line.cancel();
});

interface Frame {
  readonly type: string;
  readonly data: {
    readonly agents: { readonly lifecycle_state: string; readonly connected: boolean }[];
  } | null;
}

test("a watch sends the workspace at once and at every change of its agent", async () => {
  const world = await makeWorld(deployment.database, one.edge.hints);
  const watch = await Followed.open<Frame>(one, `/workspaces/${world.workspaceId}/watch-ws`);
  expect(await watch.until(2)).toEqual([
    { type: "ping", data: null },
    { type: "data", data: { id: world.workspaceId, agents: [] } },
  ]);
  const [agentId, token] = [randomUUID(), randomUUID()];
  await postBuild(deployment.database, one.edge.hints, world);
  const { run, line } = await takeJob(one, newDaemon());
  await run.acknowledged(run.say(buildResult([agentOf(agentId, token)])));
  const shows = (lifecycle: string, connected: boolean) =>
    eventually(() =>
      expect(watch.messages.at(-1)?.data?.agents).toMatchObject([{ lifecycle_state: lifecycle, connected }]),
    );
  await shows("created", false);
  const process = new AgentLine(one, newAgentProcess(token));
  await shows("created", true);
  process.say({ $case: "lifecycle", value: { state: agent.LifecycleState.STARTING, changedAt: new Date() } });
  await shows("starting", true);
  process.say({ $case: "lifecycle", value: { state: agent.LifecycleState.READY, changedAt: new Date() } });
  await shows("ready", true);
  process.say({ $case: "lifecycle", value: { state: agent.LifecycleState.OFF, changedAt: new Date() } });
  await shows("off", true);
  process.cancel();
  await shows("off", false);
  watch.close();
  line.cancel();
});

test("an agent's log is followed as arrays, and its metadata as data frames only", async () => {
  const world = await makeWorld(deployment.database, one.edge.hints);
  const [agentId, token] = [randomUUID(), randomUUID()];
  await postBuild(deployment.database, one.edge.hints, world);
  const { run, line } = await takeJob(one, newDaemon());
  await run.acknowledged(run.say(buildResult([agentOf(agentId, token)])));
  const process = new AgentLine(one, newAgentProcess(token));
  const { agentLogSourceId } = await process.manifest();
  const lines = ["a", "b"].map((output) => ({
    createdAt: new Date(),
    level: agent.AgentLogLevel.WARN,
    output,
  }));
  process.say({ $case: "logs", value: { logSourceId: agentLogSourceId, lines } });
  const log = await Followed.open<Line[]>(one, `/workspaceagents/${agentId}/logs?follow=true`);
  expect((await log.until(1)).flat()).toMatchObject([
    { id: 1, output: "a", level: "warn", source_id: agentLogSourceId },
    { id: 2, output: "b" },
  ]);
  const metadata = await Followed.open(one, `/workspaceagents/${agentId}/watch-metadata-ws`);
  expect(await metadata.until(1)).toEqual([{ type: "data", data: [] }]);
  for (const open of [log, metadata]) open.close();
  for (const open of [process, line]) open.cancel();
});

test("a watch is an event stream too, with named events", async () => {
  const world = await makeWorld(deployment.database, one.edge.hints);
  const leaving = await deployment.startReplica();
  const response = await fetch(`${leaving.url}/api/v2/workspaces/${world.workspaceId}/watch`);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("event: data")) text += (await reader.read()).value ?? "";
  expect(text).toBe(
    `event: ping\n\nevent: data\ndata: ${JSON.stringify({ id: world.workspaceId, agents: [] })}\n\n`,
  );
  leaving.drain();
  expect(await reader.read()).toMatchObject({ done: true });
  const missing = await fetch(`${one.url}/api/v2/workspaces/${randomUUID()}/watch`);
  expect(missing.status).toBe(404);
});

test("what cannot be followed is refused before the upgrade", async () => {
  const refused = (path: string) => openWebSocket(`${one.url}/api/v2${path}`);
  await expect(refused(`/workspaces/${randomUUID()}/watch-ws`)).rejects.toMatchObject({ code: "not_found" });
  await expect(refused("/nothing/here")).rejects.toMatchObject({ code: "not_found" });
  await expect(refused("/workspacebuilds/not-an-id/logs?follow=true")).rejects.toMatchObject({
    code: "not_found",
  });
});
