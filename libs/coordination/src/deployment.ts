import {
  addressOf,
  directAddressOf,
  exposeConnections,
  migrate,
  openDatabase,
  type Database,
  type DatabaseConfig,
} from "@berth/database";
import type { Process } from "@berth/runtime";
import type { Logger, Metrics } from "@berth/telemetry";
import { PostgresHints } from "./hints.ts";
import { PostgresLeases } from "./leases.ts";
import { readSecrets } from "./secrets.ts";
import { RotatedSigningKeys } from "./signing-keys.ts";
import type { DeploymentSecrets, Hints, Leases, SigningKeys } from "./types.ts";

/** What every process that reaches Postgres has of its deployment. */
export interface Deployment {
  readonly database: Database;
  readonly hints: Hints;
  readonly leases: Leases;
  readonly secrets: DeploymentSecrets;
  readonly signingKeys: SigningKeys;
}

/** The migrations of the schema `coordination`. */
export const coordinationMigrations = () => ({
  schema: "coordination",
  folder: new URL("../migrations/", import.meta.url),
});

/** The most connections of a process, by the greediest of its services. */
const POOL_SIZES: ReadonlyMap<string, number> = new Map([
  ["api", 30],
  ["replica-registry", 4],
  ["relay-mesh", 2],
]);

/** How many connections a process of these services may hold. */
export function poolSize(services: readonly string[], configured: number | undefined): number {
  return configured ?? Math.max(2, ...services.map((service) => POOL_SIZES.get(service) ?? 2));
}

/** Opens the deployment once per process, and lets its listener trust whoever proves the deployment key. */
export function openDeployment(
  process: Process,
  config: DatabaseConfig,
  log: Logger,
  metrics?: Metrics,
): Promise<Deployment> {
  return process.share("deployment", async (scope) => {
    const database = scope.use(
      "database",
      await openDatabase({
        address: addressOf(config),
        direct: directAddressOf(config),
        maxConnections: poolSize(process.services, config.maxConnections),
        applicationName: `berth ${process.services.join("+")} ${process.hostname}`.slice(0, 63),
        log,
      }),
    );
    if (metrics !== undefined) scope.use("metrics", exposeConnections(metrics, database));
    const { maxConnections } = database;
    process.usesPostgres({ maxConnections, roundTripMs: () => database.roundTripMs });
    await migrate(database, coordinationMigrations(), log);
    const secrets = await readSecrets(database.sql);
    process.trust(secrets.deploymentKey);
    const hints = scope.use("hints", new PostgresHints(database, log));
    const leases = new PostgresLeases({ database, hints, log, owner: process.replicaId });
    const signingKeys = await RotatedSigningKeys.open({ database, hints, log, signal: scope.signal });
    return { database, hints, leases, secrets, signingKeys };
  });
}
