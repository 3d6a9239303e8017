import { rm } from "node:fs/promises";
import { Scope } from "@berth/std";
import { eventually, FaultyProxy } from "@berth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "../src/cluster.ts";
import { readMetric } from "../src/metrics.ts";
import { makeFolder, personAt } from "../src/scene.ts";
import { endpointOf } from "../src/tcp.ts";

/** Far more than a busy machine makes of a short way. */
const EACH_WAY_MS = 50;
/** A verdict is a median of ten pings at least, one a second. */
const PATIENCE = { withinMs: 60_000, everyMs: 500 };

describe("P9: latency between replicas, and of each to Postgres, is measured, exported, shown and complained of", () => {
  const scope = new Scope();
  let folder: string;
  let cluster: TestCluster;
  let relayUrl: string;

  beforeAll(async () => {
    folder = await makeFolder();
    scope.add("folder", () => rm(folder, { recursive: true, force: true }));
    cluster = scope.use("cluster", await TestCluster.start(folder, {}));
    const far = cluster.node(3);
    const toNode = scope.use("way to the node", await FaultyProxy.start(endpointOf(far.address)));
    const toPostgres = await FaultyProxy.start(endpointOf(cluster.postgres.url));
    scope.use("way to Postgres", toPostgres);
    for (const way of [toNode, toPostgres]) way.slow(EACH_WAY_MS);
    relayUrl = toNode.through("http://127.0.0.1").replace(/\/$/, "");
    await cluster.kill(far);
    await cluster.startAgain(far, {
      CODER_DERP_SERVER_RELAY_URL: relayUrl,
      CODER_PG_CONNECTION_URL: toPostgres.through(cluster.postgres.url),
    });
  }, 180_000);
  afterAll(() => scope.close(), 60_000);

  test("the log names the pair that is far apart, and whoever is far from Postgres", async () => {
    const complaint = new RegExp(`EREP01: the round trip to replica \\S+ \\(${relayUrl}\\) is \\d+\\.\\d ms`);
    await eventually(() => {
      expect(cluster.output).toMatch(complaint);
      expect(cluster.output).toMatch(/EREP02: the round trip to Postgres is \d+\.\d ms/);
    }, PATIENCE);
  }, 90_000);

  test("metrics have each pair, and `berth replicas` each replica's way to Postgres", async () => {
    const owner = await personAt(folder, "owner", cluster.url);
    await eventually(async () => {
      const text = await (await fetch(cluster.node(1).metricsUrl)).text();
      const pairs = [...text.matchAll(/^berth_replica_rtt_seconds\{.*\} (\S+)$/gm)].map(([, s]) => Number(s));
      expect(pairs).toHaveLength(6);
      const isFar = (seconds: number) => seconds >= (2 * EACH_WAY_MS - 1) / 1000;
      expect(pairs.filter(isFar)).toHaveLength(2); // of each of the two others to the third
      expect(await readMetric(cluster.node(3).metricsUrl, "berth_postgres_rtt_seconds")).toSatisfy(isFar);
      const replicas = JSON.parse(await owner.must("replicas", "--output", "json")) as Replica[];
      const far = replicas.filter(({ database_latency: micros }) => isFar(micros / 1e6));
      expect(far.map(({ relay_address: address }) => address)).toEqual([relayUrl]);
    }, PATIENCE);
  }, 90_000);
});

interface Replica {
  readonly relay_address: string;
  readonly database_latency: number;
}
