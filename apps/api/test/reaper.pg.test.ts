import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "@berth/testing";
import { LEASE_MS } from "../src/jobs/periods.ts";
import { expireLease } from "../src/jobs/expire.ts";
import { readJobs } from "../src/jobs/read-jobs.ts";
import { reapLeases } from "../src/jobs/reaper.ts";
import { readJobLog } from "../src/logs/job-log.ts";
import { newDaemon, snapshot, takeJob } from "./edge/daemon.ts";
import { startDeployment, type Deployment, type Replica } from "./edge/deployment.ts";
import { makeWorld, postBuild, postImport, readJob } from "./edge/world.ts";

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment();
  replica = await deployment.startReplica();
});
afterAll(() => deployment[Symbol.asyncDispose]());

/** Lets the lease run out and judges it as the reaper does. */
async function expire(jobId: string) {
  const { sql } = deployment.database;
  const [lease] = await sql<{ epoch: number; renewals: number }[]>`
    update api.job set lease_until = now() - interval '1 second' where id = ${jobId}
    returning epoch::float8 as epoch, renewals::float8 as renewals`;
  return deployment.database.transaction((tx) => expireLease(tx, replica.edge.hints, { jobId, ...lease! }));
}

const outputs = async (jobId: string) =>
  (await readJobLog(deployment.database.sql, jobId)).map(({ output }) => output);

test("a job that lost its daemon before it applied is queued again once, and then failed", async () => {
  const world = await makeWorld(deployment.database, replica.edge.hints);
  const { jobId } = await postImport(deployment.database, replica.edge.hints, world);
  const first = await takeJob(replica, newDaemon());
  await first.run.acknowledged(first.run.log("from the first"));
  expect(await expire(jobId)).toBe("queued_again");
  expect(await first.run.heard.end()).toMatchObject({ code: "aborted" });
  const second = await takeJob(replica, newDaemon());
  expect(second.job).toMatchObject({ jobId, attempt: 2 });
  await second.run.acknowledged(second.run.log("from the second"));
  expect(await outputs(jobId)).toEqual([
    "from the first",
    expect.stringContaining("Attempt 1 was given up"),
    "from the second",
  ]);
  expect(await expire(jobId)).toBe("failed");
  expect((await readJob(deployment.database, jobId)).error).toContain("not heard of");
  for (const { line } of [first, second]) line.cancel();
});

test("P6: a build that lost its daemon while it applied is failed, says what was in flight, and holds its workspace", async () => {
  const world = await makeWorld(deployment.database, replica.edge.hints);
  const { jobId, buildId } = await postBuild(deployment.database, replica.edge.hints, world);
  const daemon = newDaemon();
  const { run, line, job } = await takeJob(replica, daemon);
  await run.acknowledged(run.say({ $case: "state", value: snapshot(3) }));
  await run.acknowledged(run.say({ $case: "beginApply", value: { planned: ["disk.home", "vm.dev"] } }));
  expect(await expire(jobId)).toBe("failed");
  expect((await outputs(jobId)).join("\n")).toContain("In flight when contact was lost: disk.home, vm.dev");
  line.cancel();

  const next = await postBuild(deployment.database, replica.edge.hints, world, { transition: "delete" });
  const other = newDaemon();
  const waiting = takeJob(replica, other);
  await eventually(async () => {
    const view = (await readJobs(deployment.database.sql, [next.jobId])).get(next.jobId);
    expect(view?.waiting_reason).toContain("the workspace is held until");
  });
  const handIn = {
    ...daemon,
    jobId,
    epoch: job.epoch,
    state: snapshot(5),
    terraformEnded: true,
    applyBegun: true,
    inFlight: [],
    logs: [],
    traceparent: "",
  };
  expect(await replica.daemons().handIn(handIn)).toEqual({ closed: false });
  const taken = await waiting;
  expect(taken.job.jobId).toBe(next.jobId);
  expect(taken.job.kind).toMatchObject({ value: { state: { fileId: `state:${buildId}` } } });
  const late = await replica.daemons().handIn({ ...handIn, state: snapshot(8) });
  expect(late.closed).toBe(false);
  const [state] = await deployment.database.sql`
    select serial::int as serial from api.workspace_state where workspace_build_id = ${buildId}`;
  expect(state).toEqual({ serial: 5 }); // a later build has begun
  for (const open of [taken.line, taken.run]) open.cancel();
});

test("a daemon's new incarnation closes what its former one left behind at once", async () => {
  const world = await makeWorld(deployment.database, replica.edge.hints);
  const { jobId } = await postBuild(deployment.database, replica.edge.hints, world);
  const daemon = newDaemon();
  const { run, line, job } = await takeJob(replica, daemon);
  await run.acknowledged(run.say({ $case: "beginApply", value: { planned: ["vm.dev"] } }));
  for (const open of [run, line]) open.cancel();
  const closed = await replica.daemons().handIn({
    ...daemon,
    jobId,
    epoch: job.epoch,
    state: snapshot(4),
    terraformEnded: true,
    applyBegun: true,
    inFlight: ["vm.dev"],
    logs: [],
    traceparent: "",
  });
  expect(closed).toEqual({ closed: true });
  expect(await readJob(deployment.database, jobId)).toMatchObject({
    error: expect.stringContaining("killed") as string,
  });
  const [workspace] = await deployment.database.sql`
    select held_until from api.workspace where id = ${world.workspaceId}`;
  expect(workspace).toEqual({ held_until: null });
});

test("beats keep a job that the reaper watches, and silence ends it", async () => {
  const world = await makeWorld(deployment.database, replica.edge.hints);
  const { jobId } = await postBuild(deployment.database, replica.edge.hints, world);
  const { run, line } = await takeJob(replica, newDaemon());
  const over = new AbortController();
  const reaping = reapLeases({
    ...replica.edge,
    sql: deployment.database.sql,
    signal: over.signal,
    leaseMs: 300,
    tickMs: 20,
  });
  for (let beat = 1; beat <= 10; beat += 1) {
    run.beat(beat);
    const { value } = await run.heard.until((m) => m.$case === "beat", beat);
    expect(value).toEqual({ sequence: BigInt(beat), committed: true });
  }
  expect((await readJob(deployment.database, jobId)).attempt).toBe(1);
  await deployment.database.sql`
    update api.job set lease_until = lease_until - ${LEASE_MS} * interval '1 millisecond' where id = ${jobId}`;
  await eventually(async () => expect((await readJob(deployment.database, jobId)).accepted_at).toBeNull());
  over.abort();
  await reaping;
  line.cancel();
});
