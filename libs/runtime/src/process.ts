import type { Id, Scope } from "@berth/std";
import type { Cluster } from "./cluster.ts";

/** A replica is a process: its id is new at every start. */
export type ReplicaId = Id<"replica">;

/** How this process uses Postgres. */
export interface PostgresUse {
  /** The most connections it opens. */
  readonly maxConnections: number;
  /** Median of the last round trips in milliseconds; undefined while there is no answer. */
  roundTripMs(): number | undefined;
}

/** What services of one process share. */
export interface Process {
  readonly replicaId: ReplicaId;
  readonly hostname: string;
  /** Names of the services mounted here, in start order. */
  readonly services: readonly string[];
  /** `host:port` of the one listener, and its TCP port (bound before the first service starts). */
  readonly address: string;
  readonly port: number;
  /**
   * A gRPC target of this process's own listener: `unix:<path>` (0700 folder), so that services of one process speak the
   * same gRPC as pods do.
   */
  readonly ownTarget: string;
  /** Folder for this process's sockets and data; made 0700. */
  readonly dataFolder: string;
  readonly startedAt: Date;
  /**
   * Opens something once per process: whoever asks first opens it, the others get the same; it is released after every
   * service. (One pool of connections for all services of a process.)
   */
  share<T>(key: string, open: (scope: Scope) => Promise<T>): Promise<T>;
  /** Gives the deployment key to the listener: until then calls of `internal` services answer UNAVAILABLE. */
  trust(deploymentKey: Buffer): void;
  /** The key given to `trust`. @throws when a service asks before anyone has opened the database. */
  readonly deploymentKey: Buffer;
  /** Told by whoever opens Postgres; the membership reports it. */
  usesPostgres(use: PostgresUse): void;
  /** What was told to `usesPostgres`. */
  readonly postgres: PostgresUse | undefined;
  /** This process's membership of the cluster; joined when a service first asks. */
  joinCluster(): Promise<Cluster>;
}
