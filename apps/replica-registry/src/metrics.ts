import type { Database } from "@berth/database";
import type { Metrics } from "@berth/telemetry";
import { msFromDuration } from "@berth/contract";
import { countReplicas } from "./store.ts";
import type { RegistryView } from "./view.ts";

/** Shows `berth_replicas` and `berth_replica_rtt_seconds`. */
export function exposeReplicas(metrics: Metrics, database: Database, view: RegistryView): Disposable {
  const counts = series(
    metrics.gauge("berth_replicas", "Replicas by service and state", ["service", "state"]),
  );
  const roundTrips = series(
    metrics.gauge("berth_replica_rtt_seconds", "Median round trip between replicas", ["from", "to"]),
  );
  return metrics.onExpose(async () => {
    roundTrips(links(view));
    const counted = await countReplicas(database.sql);
    counts(counted.map(({ service, state, count }) => [{ service, state }, count]));
  });
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Sets a gauge to exactly these samples: what is gone from them is removed. */
function series(gauge: ReturnType<Metrics["gauge"]>) {
  let before = new Map<string, Sample>();
  return (samples: readonly Sample[]) => {
    const now = new Map(samples.map((sample) => [JSON.stringify(sample[0]), sample]));
    for (const [key, [labels]] of before) if (!now.has(key)) gauge.remove(labels);
    for (const [labels, value] of samples) gauge.set(value, labels);
    before = now;
  };
}

/** Replicas are named by host, and by the start of their id where one host has several. */
function links(view: RegistryView): readonly Sample[] {
  const { replicas } = view.snapshot();
  const nameOf = (id: string) => {
    const found = replicas.find((replica) => replica.id === id);
    if (found === undefined) return undefined;
    const shared = replicas.filter(({ hostname }) => hostname === found.hostname).length > 1;
    return shared ? `${found.hostname} ${id.slice(0, 8)}` : found.hostname;
  };
  return replicas.flatMap((replica) =>
    replica.peerRoundTrips.flatMap(({ replicaId, median }): Sample[] => {
      const [from, to] = [nameOf(replica.id), nameOf(replicaId)];
      if (median === undefined || from === undefined || to === undefined) return [];
      return [[{ from, to }, msFromDuration(median) / 1000]];
    }),
  );
}
