import { type agent, durationFromMs, msFromDuration } from "@berth/contract";
import type { SshServer } from "./ssh/ssh-server.ts";
import type { TrafficReport } from "./tunnel/traffic.ts";

const STATS_INTERVAL_MS = 60_000;

export function statsIntervalMs(manifest: agent.Manifest | undefined): number {
  const ms = manifest?.statsInterval === undefined ? 0 : msFromDuration(manifest.statsInterval);
  return ms > 0 ? ms : STATS_INTERVAL_MS;
}

export function statsOf(traffic: TrafficReport, ssh: Pick<SshServer, "count">): agent.Stats {
  const { medianRoundTripMs } = traffic;
  return {
    connectionCount: BigInt(traffic.sessions),
    sessionCountSsh: BigInt(ssh.count("ssh")),
    sessionCountVscode: BigInt(ssh.count("vscode")),
    sessionCountJetbrains: BigInt(ssh.count("jetbrains")),
    receivedBytes: BigInt(traffic.receivedBytes),
    sentBytes: BigInt(traffic.sentBytes),
    connectionMedianLatency: medianRoundTripMs === undefined ? undefined : durationFromMs(medianRoundTripMs),
  };
}
