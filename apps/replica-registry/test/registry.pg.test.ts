import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { durationFromMs, registry } from "@berth/contract";
import { coordinationMigrations, PostgresHints } from "@berth/coordination";
import { createMetrics } from "@berth/telemetry";
import { eventually, expectNoLeaks, recordedLog, testDatabase } from "@berth/testing";
import { registryMigrations } from "@berth/replica-registry";
import { exposeReplicas } from "../src/metrics.ts";
import { Registry } from "../src/registry.ts";
import type { Joining } from "../src/store.ts";

expectNoLeaks();

async function open() {
  const made = await testDatabase({ migrations: [coordinationMigrations(), registryMigrations()] });
  onTestFinished(() => made[Symbol.asyncDispose]());
  const hints = new PostgresHints(made.database, recordedLog());
  onTestFinished(() => hints[Symbol.dispose]());
  const own = await Registry.open({
    ownId: randomUUID(),
    database: made.database,
    hints,
    log: recordedLog(),
    isAnswering: () => false,
  });
  onTestFinished(() => own[Symbol.asyncDispose]());
  return { own, database: made.database };
}

function joining(own: Registry, hostname: string): Joining {
  return {
    ...{ id: randomUUID(), hostname, services: ["api", "relay-mesh"], regionId: 999, version: "v1" },
    ...{ relayUrl: "", accessUrl: "", pingAddress: "", listenPort: 3000, poolSize: 5, state: "ready" },
    ...{ startedAt: new Date(), ownerId: own.ownId },
  };
}

async function admit(own: Registry, hostname: string) {
  const admission = await own.admit(joining(own, hostname));
  if (admission.outcome === "refused") throw new Error(`${hostname} was refused`);
  return admission.member;
}

test("replicas by service and state, and how far apart they are", async () => {
  const { own, database } = await open();
  const [near, far] = [await admit(own, "near"), await admit(own, "far")];
  const metrics = createMetrics();
  using _exposed = exposeReplicas(metrics, database, own.view);
  own.report(near, {
    ...registry.Report.fromPartial({
      sequence: 1n,
      state: registry.ReplicaState.READY,
      error: "told at once",
    }),
    peerRoundTrips: [
      registry.PeerRoundTrip.fromPartial({
        replicaId: far.claim.id,
        median: durationFromMs(12),
        worst: durationFromMs(40),
      }),
    ],
  });
  await eventually(async () => {
    const text = await metrics.expose();
    expect(text).toContain('berth_replicas{service="api",state="ready"} 2');
    expect(text).toContain('berth_replica_rtt_seconds{from="near",to="far"} 0.012');
  });
  await own.goodbye(far);
  await eventually(async () => {
    const text = await metrics.expose();
    expect(text).toContain('berth_replicas{service="api",state="stopped"} 1');
    expect(text).not.toContain('to="far"');
  });
});

test("a replica that joins again keeps its row, and a late verdict on its first stream changes nothing", async () => {
  const { own, database } = await open();
  const first = await admit(own, "host");
  const again = await own.admit({ ...first.joining });
  expect(again.outcome).toBe("accepted");
  expect(first.superseded.signal.aborted).toBe(true);
  await own.goodbye(first);
  const [row] = await database.sql`select state from registry.replica where id = ${first.claim.id}`;
  expect(row).toEqual({ state: "ready" });
});

test("a replica that said goodbye cannot join again under its id", async () => {
  const { own } = await open();
  const member = await admit(own, "host");
  await own.goodbye(member);
  await expect(own.admit({ ...member.joining })).rejects.toMatchObject({ code: "failed_precondition" });
});
