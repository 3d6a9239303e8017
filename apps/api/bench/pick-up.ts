// How long a posted job waits for a free daemon: two jobs posted to two free daemons, from each commit to the daemon's receipt,
// against a bare NOTIFY on the same Postgres in the same run. The best of the batches counts: a busy machine only ever takes away.
//   node bench/pick-up.ts [rounds of a batch]
import { fork } from "node:child_process";
import { once } from "node:events";
import { environment } from "@berth/config";
import type { provisioner } from "@berth/contract";
import { startRunPostgres, TEST_POSTGRES_URL_VARIABLE } from "@berth/testing";
import { newDaemon } from "../test/edge/daemon.ts";
import { type Replica, startDeployment } from "../test/edge/deployment.ts";
import { makeWorld, postImport } from "../test/edge/world.ts";

const BATCHES = 5;
const say = (value: unknown) => process.send?.(value) ?? process.stdout.write(`${JSON.stringify(value)}\n`);
const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

if (process.argv.includes("measure")) await measure(Number(process.argv[2]));
else {
  await using postgres = await startRunPostgres();
  const env = { ...environment(), [TEST_POSTGRES_URL_VARIABLE]: postgres.url };
  const child = fork(import.meta.filename, [process.argv[2] ?? "50", "measure"], { env });
  child.on("message", say);
  await once(child, "exit");
  process.exitCode = child.exitCode ?? 1;
}

/** A daemon that is free again at once, whatever it is given. */
function startDaemon(replica: Replica, onJob: (jobId: string, at: number) => void): Promise<void> {
  const stream = replica.daemons().acquireJob();
  const send = (message: NonNullable<provisioner.AcquireJobRequest["message"]>) =>
    stream.send({ traceparent: "", message });
  const identity = { ...newDaemon(), name: "daemon", version: "v0", apiVersion: "1" };
  send({ $case: "hello", value: { ...identity, provisioners: ["terraform"] } });
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let sequence = 1n;
  const ready = () => send({ $case: "ready", value: { sequence: sequence++ } });
  void (async () => {
    for await (const { message } of stream) {
      if (message?.$case === "welcome") {
        ready();
        resolve(undefined);
      }
      if (message?.$case !== "job") continue;
      onJob(message.value.jobId, performance.now());
      const { jobId, epoch } = message.value;
      send({ $case: "accepted", value: { jobId, epoch } });
      ready();
    }
  })().catch(() => undefined); // the deployment has ended
  return promise;
}

async function measure(rounds: number): Promise<void> {
  await using deployment = await startDeployment();
  const [one, two] = [await deployment.startReplica(), await deployment.startReplica()];
  const { hints } = one.edge;
  const world = await makeWorld(deployment.database, hints);
  const received = new Map<string, (at: number) => void>();
  const early = new Map<string, number>();
  const onJob = (jobId: string, at: number) =>
    (received.get(jobId) ?? ((when) => early.set(jobId, when)))(at);
  await Promise.all([startDaemon(one, onJob), startDaemon(two, onJob)]);
  const pickUp = async () => {
    const { jobId } = await postImport(deployment.database, hints, world);
    const committedAt = performance.now();
    const at = early.get(jobId) ?? (await new Promise<number>((resolve) => received.set(jobId, resolve)));
    return Math.max(0, at - committedAt);
  };
  const bare = async (turn: number) => {
    const id = `bare-${turn}`;
    const heard = two.edge.hints.next("bench", { id, tickMs: 60_000 });
    const startedAt = performance.now();
    await hints.notify(deployment.database.sql, "bench", id);
    await heard;
    return performance.now() - startedAt;
  };
  let best = { p50: NaN, p99: Infinity, bare: NaN };
  for (let batch = 0; batch <= BATCHES; batch += 1) {
    const [ours, baseline]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(...(await Promise.all([pickUp(), pickUp()])));
      baseline.push(await bare(batch * rounds + round));
    }
    for (const times of [ours, baseline]) times.sort((a, b) => a - b);
    const p99 = quantile(ours, 0.99);
    // in the first batch everything runs for the first time
    if (batch > 0 && p99 < best.p99) best = { p50: quantile(ours, 0.5), p99, bare: quantile(baseline, 0.99) };
  }
  say({
    what: `job pick-up (P7), p99 of ${2 * rounds}`,
    ours: `${best.p99.toFixed(1)} ms, p50 ${best.p50.toFixed(1)}`,
    baseline: `${best.bare.toFixed(1)} ms notify`,
    value: best.p99,
    atMost: 25,
  });
}
