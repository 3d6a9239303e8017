import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "@berth/testing";
import { channels } from "../src/channels.ts";
import { hashProvisionerKey } from "../src/daemons/authenticate.ts";
import { cancel } from "../src/jobs/cancel.ts";
import { measureQueue } from "../src/jobs/queue-metrics.ts";
import { readJobs } from "../src/jobs/read-jobs.ts";
import { readJobLog } from "../src/logs/job-log.ts";
import { AcquireLine, buildResult, newDaemon, RunLine, snapshot, takeJob } from "./edge/daemon.ts";
import { startDeployment, type Deployment, type Replica } from "./edge/deployment.ts";
import { ARCHIVE, makeWorld, postBuild, postImport, readJob } from "./edge/world.ts";

let deployment: Deployment;
let one: Replica;
let two: Replica;

beforeAll(async () => {
  deployment = await startDeployment();
  one = await deployment.startReplica();
  two = await deployment.startReplica();
});
afterAll(() => deployment[Symbol.asyncDispose]());

const world = () => makeWorld(deployment.database, one.edge.hints);

test("of two daemons at two replicas one gets the job, and the other the next", async () => {
  const here = await world();
  const lines = [new AcquireLine(one, newDaemon()), new AcquireLine(two, newDaemon())];
  for (const line of lines) line.ready();
  const first = await postImport(deployment.database, one.edge.hints, here);
  const jobs = () =>
    lines.flatMap((line) =>
      line.heard.messages.flatMap((m) => {
        if (m.$case !== "job") return [];
        line.accept(m.value);
        return [m.value.jobId];
      }),
    );
  await eventually(() => expect(jobs()).toEqual([first.jobId]));
  const second = await postImport(deployment.database, two.edge.hints, here);
  await eventually(() => expect(jobs().toSorted()).toEqual([first.jobId, second.jobId].toSorted()));
  await eventually(async () => expect((await readJob(deployment.database, second.jobId)).attempt).toBe(1));
  for (const line of lines) line.cancel();
});

test("a tagged job waits for a daemon that has its tags, and says so meanwhile", async () => {
  const here = await world();
  const untagged = new AcquireLine(one, newDaemon());
  untagged.ready();
  await untagged.heard.until((m) => m.$case === "welcome");
  const { jobId } = await postImport(deployment.database, one.edge.hints, here, { gpu: "yes" });
  const job = async () => (await readJobs(deployment.database.sql, [jobId])).get(jobId)!;
  expect(await job()).toMatchObject({
    status: "pending",
    queue_position: 0,
    waiting_reason: "no provisioner daemon has the tags of this job",
    tags: { scope: "organization", owner: "", gpu: "yes" },
  });
  const tagged = new AcquireLine(two, newDaemon({ tags: { gpu: "yes", zone: "b" } }));
  tagged.ready();
  expect((await tagged.job()).jobId).toBe(jobId);
  tagged.accept(await tagged.job());
  await eventually(async () => expect(await job()).toMatchObject({ status: "running" }));
  expect(untagged.heard.messages.filter((m) => m.$case === "job")).toEqual([]);
  for (const line of [untagged, tagged]) line.cancel();
});

test("an autoscaler reads how many jobs of a tag set wait, and for how long", async () => {
  const here = await world();
  await postImport(deployment.database, one.edge.hints, here, { zone: "b", gpu: "no" });
  const over = new AbortController();
  const measuring = measureQueue({ ...one.edge, signal: over.signal });
  await eventually(async () => {
    const text = await one.edge.metrics.expose();
    expect(text).toContain('berth_provisioner_queue_depth{tags="gpu=no,zone=b"} 1');
    expect(text).toMatch(/berth_provisioner_queue_oldest_seconds\{tags="gpu=no,zone=b"\} \d/);
    expect(text).toContain('berth_provisioner_queue_depth{tags=""} 0');
  });
  over.abort();
  await measuring;
});

test("a job sent into a stream that ends is taken back uncounted and goes to the next daemon", async () => {
  const here = await world();
  const deaf = new AcquireLine(one, newDaemon());
  deaf.ready();
  const { jobId } = await postImport(deployment.database, one.edge.hints, here);
  const lost = await deaf.job();
  deaf.cancel();
  const { job, run } = await takeJob(two, newDaemon());
  expect(job.jobId).toBe(jobId);
  expect(job.epoch).toBeGreaterThan(lost.epoch);
  expect(job.attempt).toBe(1);
  run.cancel();
});

test("a daemon that does not accept in time loses the delivery, and hears so when it attaches late", async () => {
  const here = await world();
  const slow = newDaemon();
  const line = new AcquireLine(one, slow);
  line.ready();
  await postImport(deployment.database, one.edge.hints, here);
  const job = await line.job();
  const other = await takeJob(two, newDaemon());
  expect(other.job.jobId).toBe(job.jobId);
  const late = new RunLine(one, slow, job);
  expect(await late.heard.end()).toMatchObject({ code: "aborted" });
  for (const open of [line, other.line, other.run]) open.cancel();
});

test("messages are committed once, in order, and acknowledged again when they are sent again", async () => {
  const here = await world();
  const daemon = newDaemon();
  const { jobId } = await postBuild(deployment.database, one.edge.hints, here);
  const { job, run, line } = await takeJob(one, daemon);
  await run.acknowledged(run.log("a", "b"));
  const again = new RunLine(two, daemon, job);
  expect(Number((await again.attached()).committedSequence)).toBe(1);
  expect(await run.heard.end()).toMatchObject({ code: "aborted" });
  await again.acknowledged(again.log("a", "b"));
  await again.acknowledged(again.log("c"));
  const lines = await readJobLog(deployment.database.sql, jobId);
  expect(lines.map(({ id, output }) => [id, output])).toEqual([
    [1, "a"],
    [2, "b"],
    [3, "c"],
  ]);
  again.say(buildResult([]));
  await eventually(async () =>
    expect((await readJob(deployment.database, jobId)).completed_at).not.toBeNull(),
  );
  const lastWord = new RunLine(one, daemon, job);
  expect(Number((await lastWord.attached()).committedSequence)).toBe(3);
  for (const open of [line, lastWord]) open.cancel();
});

test("an attempt's completion under an old epoch is refused, but its state is taken", async () => {
  const here = await world();
  const daemon = newDaemon();
  const { jobId, buildId } = await postBuild(deployment.database, one.edge.hints, here);
  const { run, job, line } = await takeJob(one, daemon);
  await run.acknowledged(run.say({ $case: "beginApply", value: { planned: ["disk.home"] } }));
  await deployment.database.sql`update api.job set epoch = epoch + 1 where id = ${jobId}`;
  run.say(buildResult([], snapshot(7)));
  expect(await run.heard.end()).toMatchObject({ code: "aborted" });
  expect((await readJob(deployment.database, jobId)).completed_at).toBeNull();
  const states = () => deployment.database.sql`
    select serial::int as serial from api.workspace_state where workspace_build_id = ${buildId}`;
  expect(await states()).toEqual([{ serial: 7 }]);
  const client = two.daemons();
  const handedIn = await client.handIn({
    ...daemon,
    jobId,
    epoch: job.epoch,
    state: snapshot(9),
    terraformEnded: true,
    applyBegun: true,
    inFlight: [],
    logs: [],
    traceparent: "",
  });
  expect(handedIn.closed).toBe(false);
  expect(await states()).toEqual([{ serial: 9 }]);
  line.cancel();
});

test("a canceled job that waits is over at once; one that runs is told through its stream", async () => {
  const here = await world();
  const waiting = await postImport(deployment.database, one.edge.hints, here, { nobody: "has" });
  const canceled = await deployment.database.transaction((sql) => cancel(sql, one.edge.hints, waiting.jobId));
  expect(canceled).toBe("canceled");
  const views = await readJobs(deployment.database.sql, [waiting.jobId]);
  expect(views.get(waiting.jobId)).toMatchObject({ status: "canceled" });

  const { jobId } = await postBuild(deployment.database, one.edge.hints, here);
  const { run, line } = await takeJob(two, newDaemon());
  expect(await deployment.database.transaction((sql) => cancel(sql, one.edge.hints, jobId))).toBe(
    "canceling",
  );
  await run.heard.until((m) => m.$case === "cancel");
  run.say({
    $case: "fail",
    value: { error: "canceled", errorCode: "", state: snapshot(1), canceled: true, inFlight: ["disk.home"] },
  });
  await eventually(async () => {
    const job = (await readJobs(deployment.database.sql, [jobId])).get(jobId);
    expect(job).toMatchObject({ status: "canceled" });
  });
  line.cancel();
});

test("a daemon downloads what its job needs, and nothing else", async () => {
  const here = await world();
  const daemon = newDaemon();
  await postBuild(deployment.database, one.edge.hints, here);
  const { job, run, line } = await takeJob(one, daemon);
  const asked = { jobId: job.jobId, epoch: job.epoch, traceparent: "" };
  const chunks = [];
  for await (const chunk of one.daemons().downloadFile({ ...asked, fileId: job.archive!.fileId }))
    chunks.push(chunk);
  expect(Buffer.concat(chunks.map((c) => c.chunk))).toEqual(ARCHIVE);
  expect(chunks[0]!.sha256).toBe(createHash("sha256").update(ARCHIVE).digest("hex"));
  const read = async (wanted: Partial<typeof asked> & { fileId: string }) => {
    for await (const _ of one.daemons().downloadFile({ ...asked, ...wanted })) continue;
  };
  await expect(read({ fileId: here.userId })).rejects.toMatchObject({ code: "not_found" });
  await expect(read({ fileId: here.fileId, epoch: job.epoch + 1n })).rejects.toMatchObject({
    code: "aborted",
  });
  for (const open of [run, line]) open.cancel();
});

test("a stranger is refused", async () => {
  const stranger = one.daemons().acquireJob({ headers: { "coder-provisioner-daemon-psk": "wrong" } });
  stranger.send({ traceparent: "", message: undefined });
  await expect(stranger[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a key's daemons have its tags, and leave when it is deleted", async () => {
  const here = await world();
  const { sql } = deployment.database;
  const [keyId, key] = [randomUUID(), "a key of a daemon"];
  await sql`
    insert into api.provisioner_key (id, organization_id, name, secret_hash, tags)
    values (${keyId}, ${here.organizationId}, ${keyId}, ${hashProvisionerKey(key)}, ${JSON.stringify({ gpu: "yes" })}::text::jsonb)`;
  const daemon = newDaemon({ tags: { gpu: "claimed", more: "claimed" } });
  const line = new AcquireLine(one, daemon, { "coder-provisioner-daemon-key": key });
  await line.heard.until((m) => m.$case === "welcome");
  const rows = await sql`select tags, key_id from api.provisioner_daemon where id = ${daemon.daemonId}`;
  expect(rows[0]).toEqual({ tags: { gpu: "yes" }, key_id: keyId });
  await deployment.database.transaction(async (tx) => {
    await tx`update api.provisioner_key set deleted_at = now() where id = ${keyId}`;
    await one.edge.hints.notify(tx, channels.keyDeleted, keyId);
  });
  expect(await line.heard.end()).toMatchObject({ code: "permission_denied" });
});

test("a draining replica asks its daemons to move, and their jobs go on elsewhere", async () => {
  const here = await world();
  const daemon = newDaemon();
  const leaving = await deployment.startReplica();
  const { jobId } = await postBuild(deployment.database, one.edge.hints, here);
  const { line, run, job } = await takeJob(leaving, daemon);
  leaving.drain();
  await line.heard.until((m) => m.$case === "move");
  await run.heard.until((m) => m.$case === "move");
  await run.acknowledged(run.log("still committed"));
  const elsewhere = new RunLine(one, daemon, job);
  expect(Number((await elsewhere.attached()).committedSequence)).toBe(1);
  elsewhere.sequence = 1;
  await elsewhere.acknowledged(elsewhere.say(buildResult([])));
  expect(await readJob(deployment.database, jobId)).toMatchObject({ error: null });
  for (const open of [line, run, elsewhere]) open.cancel();
});
