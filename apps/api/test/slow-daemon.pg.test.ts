import { afterAll, beforeAll, expect, test } from "vitest";
import { provisioner } from "@berth/contract";
import { connect } from "@berth/rpc";
import { FaultyProxy } from "@berth/testing";
import { DELIVERY_MS, LEASE_MS } from "../src/jobs/periods.ts";
import { AcquireLine, newDaemon, RunLine } from "./edge/daemon.ts";
import { PRE_SHARED_KEY, startDeployment, type Deployment, type Replica } from "./edge/deployment.ts";
import { makeWorld, postBuild } from "./edge/world.ts";

const EACH_WAY_MS = 150;

let deployment: Deployment;
let replica: Replica;
let proxy: FaultyProxy;
/** The replica, a slow way off. */
let far: Replica;

beforeAll(async () => {
  deployment = await startDeployment();
  replica = await deployment.startReplica();
  proxy = await FaultyProxy.start({ host: "127.0.0.1", port: replica.listener.port });
  proxy.slow(EACH_WAY_MS);
  const headers = { "coder-provisioner-daemon-psk": PRE_SHARED_KEY };
  const targets = [proxy.through(replica.url)];
  far = {
    ...replica,
    daemons: () => connect(provisioner.ProvisionerDaemonServiceService, { targets, headers }),
  };
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
});

test("delivery and lease of a daemon far away are longer by three round trips to it", async () => {
  const { sql } = deployment.database;
  const world = await makeWorld(deployment.database, replica.edge.hints);
  const daemon = newDaemon();
  const line = new AcquireLine(far, daemon);
  await line.heard.until((m) => m.$case === "welcome");
  line.send({ $case: "beat", value: { sequence: 1n } });
  line.ready();
  const { jobId } = await postBuild(deployment.database, replica.edge.hints, world);
  const job = await line.job();
  const [delivery] = await sql<{ ms: number }[]>`
    select extract(epoch from delivered_until - updated_at)::float8 * 1000 as ms from api.job where id = ${jobId}`;
  expect(delivery?.ms).toBeGreaterThan(DELIVERY_MS + 3 * 2 * EACH_WAY_MS);
  line.accept(job);
  const run = new RunLine(far, daemon, job);
  await run.attached();
  const [before] = await sql<{ now: Date }[]>`select now()`;
  run.beat(1);
  await run.heard.until((m) => m.$case === "beat");
  const [lease] = await sql<{ until: Date }[]>`select lease_until as until from api.job where id = ${jobId}`;
  const ms = Number(lease?.until) - Number(before?.now);
  expect(ms).toBeGreaterThan(LEASE_MS + 3 * 2 * EACH_WAY_MS);
  for (const open of [line, run]) open.cancel();
});
