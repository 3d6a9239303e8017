import type { DeploymentSecrets, Hints, Leases, SigningKeys } from "@berth/coordination";
import type { Database } from "@berth/database";
import type { DerpMap } from "@berth/http-api";
import type { Mount } from "@berth/rpc";
import type { Cluster, Process, ServiceContext } from "@berth/runtime";
import type { Scope } from "@berth/std";
import type { Logger, Metrics } from "@berth/telemetry";
import type { ApiConfig } from "./config.ts";

/** What every part of the api works with. */
export interface Plane {
  readonly config: ApiConfig;
  readonly database: Database;
  readonly hints: Hints;
  readonly leases: Leases;
  readonly secrets: DeploymentSecrets;
  readonly signingKeys: SigningKeys;
  readonly process: Pick<Process, "replicaId" | "address">;
  /** Undefined until a registry has been joined. */
  readonly cluster: () => Cluster | undefined;
  /** How everybody else reaches this deployment. */
  readonly accessUrl: URL;
  readonly derpMap: DerpMap;
  readonly mount: Mount;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly onDrain: ServiceContext<ApiConfig>["onDrain"];
}
