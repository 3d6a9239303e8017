import type { registry } from "@berth/contract";

/** The cluster as this process last heard of it. It outlives every registry: the last view stands. */
export interface Cluster {
  /** Everybody listed, this process included. */
  replicas(): readonly registry.Replica[];
  readonly revision: bigint;
  /** Whether that replica of our region has itself answered a ping of ours within the last 3 s. */
  isAnswering(replicaId: string): boolean;
  /** Called after each change of the view. */
  onChange(hear: () => void): Disposable;
  /** What this process says of itself with its next report. */
  report(change: Partial<Pick<registry.Report, "error" | "postgresRoundTrip" | "peerRoundTrips">>): void;
  /** Says `ready`, `draining`; goodbye is said when the process closes. */
  setState(state: "STARTING" | "READY" | "DRAINING"): void;
}
