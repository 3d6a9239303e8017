import { msFromDuration, type registry } from "@berth/contract";
import type { Replica } from "@berth/http-api";

const STATES: readonly Replica["state"][] = [
  "unobserved", // a state of a newer release, or none
  "starting",
  "ready",
  "draining",
  "stopped",
  "lost",
  "unobserved",
];

export function replicaView(replica: registry.Replica): Replica {
  const { postgresRoundTrip: roundTrip } = replica;
  return {
    id: replica.id,
    hostname: replica.hostname,
    created_at: (replica.startedAt ?? replica.joinedAt ?? new Date(0)).toISOString(),
    relay_address: replica.relayUrl,
    region_id: replica.regionId,
    error: replica.error,
    database_latency: roundTrip === undefined ? 0 : Math.round(msFromDuration(roundTrip) * 1000),
    state: STATES[replica.state] ?? "unobserved",
    services: replica.services,
    version: replica.version,
  };
}
