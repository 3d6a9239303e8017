import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registry } from "@berth/contract";
import { openListener } from "@berth/rpc";
import type { Cluster } from "@berth/runtime";
import { Scope } from "@berth/std";
import { type Logger, type Metrics, createMetrics } from "@berth/telemetry";
import { type Admission, everybody } from "../src/admission.ts";
import { relayEvents } from "../src/events.ts";
import { Mesh } from "../src/mesh/mesh.ts";
import { exposeRelay } from "../src/metrics.ts";
import { Relay } from "../src/relay.ts";
import { mountRelay } from "../src/upgrade.ts";

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (message, fields) => {
    throw new Error(message, { cause: fields?.error });
  },
  child: () => silent,
};

/** A relay on a listener of its own. */
export interface RunningRelay extends AsyncDisposable {
  readonly relay: Relay;
  readonly mesh: Mesh;
  readonly replicaId: string;
  readonly url: string;
  readonly metrics: Metrics;
  readonly deploymentKey: Buffer;
  readonly scope: Scope;
  accepting: boolean;
}

const deploymentKey = Buffer.alloc(32, 3);

export async function startRelay(admission: Admission = everybody): Promise<RunningRelay> {
  const folder = await mkdtemp(join(tmpdir(), "berth-relay-"));
  const metrics = createMetrics({ ofProcess: false });
  const address = { host: "127.0.0.1", port: 0 };
  const listener = await openListener({ address, folder, log: silent, metrics });
  listener.trust(deploymentKey);
  const scope = new Scope();
  const events = relayEvents(silent);
  const relay = new Relay(admission, events);
  const replicaId = randomUUID();
  const mesh = new Mesh({ relay, replicaId, deploymentKey, metrics, events, scope });
  const running: RunningRelay = {
    relay,
    mesh,
    replicaId,
    url: `http://127.0.0.1:${listener.port}`,
    metrics,
    deploymentKey,
    scope,
    accepting: true,
    async [Symbol.asyncDispose]() {
      await scope.close();
    },
  };
  scope.add("folder", () => rm(folder, { recursive: true }));
  scope.add("listener", () => listener.close());
  scope.add("goodbye to siblings", () => mesh.sayGoodbye());
  scope.add("relay", () => relay.close());
  scope.use("relay metrics", exposeRelay(metrics, relay));
  mountRelay(listener, relay, () => running.accepting);
  mesh.serve(listener);
  return running;
}

/** The view of a cluster that a test changes by hand. */
export class View implements Cluster {
  readonly reports: Parameters<Cluster["report"]>[0][] = [];
  readonly #hearers = new Set<() => void>();
  #replicas: readonly registry.Replica[] = [];
  revision = 0n;

  replicas(): readonly registry.Replica[] {
    return this.#replicas;
  }

  onChange(hear: () => void): Disposable {
    this.#hearers.add(hear);
    return { [Symbol.dispose]: () => void this.#hearers.delete(hear) };
  }

  isAnswering(): boolean {
    return false; // nobody pings here
  }

  report(change: Parameters<Cluster["report"]>[0]): void {
    this.reports.push(change);
  }

  setState(): void {
    // the test says what state a replica is in
  }

  list(replicas: readonly registry.Replica[]): void {
    this.#replicas = replicas;
    this.revision += 1n;
    for (const hear of this.#hearers) hear();
  }
}

export function listed(running: RunningRelay, change: Partial<registry.Replica> = {}): registry.Replica {
  return registry.Replica.fromPartial({
    id: running.replicaId,
    hostname: "test",
    services: ["relay-mesh"],
    regionId: 999,
    relayUrl: running.url,
    state: registry.ReplicaState.READY,
    ...change,
  });
}

/** Relays that know each other, linked. */
export async function startMesh(count: number): Promise<RunningRelay[] & AsyncDisposable> {
  const relays = await Promise.all(Array.from({ length: count }, () => startRelay()));
  const replicas = relays.map((running) => listed(running));
  await Promise.all(
    relays.map(async ({ mesh }) => {
      const view = new View();
      view.list(replicas);
      await mesh.follow(view);
    }),
  );
  return Object.assign(relays, {
    async [Symbol.asyncDispose]() {
      await Promise.all(relays.map((running) => running[Symbol.asyncDispose]()));
    },
  });
}
