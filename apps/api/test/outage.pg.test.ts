import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, FaultyProxy } from "@berth/testing";
import { appendJobLog, controlLine, readJobLog } from "../src/logs/job-log.ts";
import { AcquireLine, buildResult, newDaemon, RunLine, snapshot, takeJob } from "./edge/daemon.ts";
import { Followed } from "./edge/followed.ts";
import { startDeployment, type Deployment, type Replica } from "./edge/deployment.ts";
import { makeWorld, postBuild, postImport, readJob } from "./edge/world.ts";

let deployment: Deployment;
let proxy: FaultyProxy;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment();
  const { hostname, port } = new URL(deployment.databaseUrl);
  proxy = await FaultyProxy.start({ host: hostname, port: Number(port) });
  replica = await deployment.startReplica(proxy.through(deployment.databaseUrl));
});
afterAll(async () => {
  await deployment[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

test("while the database is away a build's stream stays, says so, and commits everything once it is back", async () => {
  const world = await makeWorld(deployment.database, replica.edge.hints);
  const { jobId } = await postBuild(deployment.database, replica.edge.hints, world);
  const { run, line } = await takeJob(replica, newDaemon());
  await run.acknowledged(run.log("before"));
  proxy.refuse();
  const during = run.log("during");
  run.beat(1);
  const { value } = await run.heard.until((m) => m.$case === "beat");
  expect(value).toEqual({ sequence: 1n, committed: false });
  const last = run.say(buildResult([]));
  expect(run.heard.messages.some((m) => m.$case === "ack" && Number(m.value.sequence) === during)).toBe(
    false,
  );
  proxy.heal();
  await run.acknowledged(last);
  expect(await readJob(deployment.database, jobId)).toMatchObject({ error: null, attempt: 1 });
  const lines = await readJobLog(deployment.database.sql, jobId);
  expect(lines.map(({ output }) => output)).toEqual(["before", "during"]);
  line.cancel();
});

test("followers stay while the database is away, and then miss nothing and hear nothing twice", async () => {
  const world = await makeWorld(deployment.database, replica.edge.hints);
  const { jobId, buildId } = await postBuild(deployment.database, replica.edge.hints, world);
  const { run, line } = await takeJob(replica, newDaemon());
  const log = await Followed.open<{ readonly id: number }>(
    replica,
    `/workspacebuilds/${buildId}/logs?follow=true`,
  );
  const watch = await Followed.open(replica, `/workspaces/${world.workspaceId}/watch-ws`);
  await run.acknowledged(run.log("before"));
  await Promise.all([log.until(1), watch.until(2)]);
  proxy.refuse();
  await deployment.database.transaction(async (sql) => {
    await sql`select from api.job where id = ${jobId} for update`;
    await appendJobLog(sql, jobId, 1, [controlLine("during"), controlLine("during too")]);
  });
  run.beat(1);
  const { value } = await run.heard.until((m) => m.$case === "beat");
  expect(value.committed).toBe(false); // the outage was noticed
  proxy.heal();
  await log.until(3);
  run.say(buildResult([]));
  expect(await log.closed).toMatchObject({ code: 1000 });
  expect(log.messages.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(watch.messages.filter((frame) => JSON.stringify(frame).includes("error"))).toEqual([]);
  watch.close();
  line.cancel();
});

test("a daemon that sends without end while nothing can be stored is sent away, and may go on later", async () => {
  const world = await makeWorld(deployment.database, replica.edge.hints);
  await postBuild(deployment.database, replica.edge.hints, world);
  const daemon = newDaemon();
  const { run, line, job } = await takeJob(replica, daemon);
  proxy.refuse();
  const heavy = { ...snapshot(1), state: Buffer.alloc(15 << 20) };
  for (let sent = 0; sent < 6; sent += 1) run.say({ $case: "state", value: heavy });
  expect(await run.heard.end()).toMatchObject({ code: "resource_exhausted" });
  proxy.heal();
  const again = await eventually(async () => {
    const opened = new RunLine(replica, daemon, job);
    await opened.attached();
    return opened;
  });
  await again.acknowledged(again.say(buildResult([])));
  line.cancel();
});

test("a job is picked up without any notification", async () => {
  const world = await makeWorld(deployment.database, replica.edge.hints);
  const line = new AcquireLine(replica, newDaemon());
  line.ready();
  await line.heard.until((m) => m.$case === "welcome");
  const deaf = { ...replica.edge.hints, notify: () => Promise.resolve() };
  const { jobId } = await postImport(deployment.database, deaf, world);
  expect(await eventually(() => line.job(), { withinMs: 8_000 })).toMatchObject({ jobId });
  line.cancel();
});
