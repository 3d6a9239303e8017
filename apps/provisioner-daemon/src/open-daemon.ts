import { hostname } from "node:os";
import { ConfigError, type Environment } from "@berth/config";
import { RoundTrip, type Scope } from "@berth/std";
import { type Executable, NoTerraformError, findTerraform } from "@berth/terraform";
import type { Logger, Metrics } from "@berth/telemetry";
import { ArchiveCache } from "./cache/archives.ts";
import { openIdentity } from "./cache/identity.ts";
import { RecordFile } from "./cache/job-record.ts";
import { holdCache } from "./cache/lock.ts";
import { writeTerraformConfig } from "./cache/terraform-config.ts";
import type { DaemonConfig } from "./config.ts";
import { credentialsOf } from "./credentials.ts";
import { Daemon } from "./daemon.ts";
import { Replicas } from "./line/replicas.ts";
import { daemonMetrics } from "./metrics.ts";
import { PERIODS, type Periods } from "./periods.ts";

/** Assumed until a first answer: three seconds each way are slow, and not dead. */
const UNKNOWN_TRIP_MS = 6_000;

/** What a daemon lives on. */
export interface DaemonSurroundings {
  readonly config: DaemonConfig;
  readonly environment: Environment;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly scope: Scope;
  readonly selfCommand: (words: readonly string[]) => readonly string[];
  readonly periods?: Periods;
}

/** Checks everything that can be checked, holds the cache folder, and makes a daemon that can run. @throws ConfigError */
export async function openDaemon(surroundings: DaemonSurroundings): Promise<Daemon> {
  const { config, environment, log, scope, selfCommand } = surroundings;
  const credentials = credentialsOf(config);
  if (config.urls.length === 0)
    throw new ConfigError([
      {
        variable: "CODER_URL",
        expected: "where the control plane is reached",
        mend: "Set CODER_URL to its access URL, such as https://berth.example.com",
      },
    ]);
  const executable = await demandTerraform(environment);
  scope.use("cache", await holdCache(config.cacheFolder));
  log.info("Terraform found", { ...executable });
  return new Daemon(
    {
      identity: await openIdentity(config.cacheFolder, config.dataHome),
      cacheFolder: config.cacheFolder,
      archives: new ArchiveCache(config.cacheFolder),
      record: new RecordFile(config.cacheFolder),
      replicas: new Replicas(config.urls, credentials),
      periods: surroundings.periods ?? PERIODS,
      roundTrip: new RoundTrip(UNKNOWN_TRIP_MS),
      executable,
      environment,
      terraformConfigFile: await writeTerraformConfig(config.cacheFolder, environment["TF_CLI_CONFIG_FILE"]),
      forceCancelMs: config.forceCancelMs,
      accessUrl: config.urls.findLast((target) => /^https?:/.test(target)) ?? "",
      selfCommand,
      log,
      metrics: daemonMetrics(surroundings.metrics),
    },
    { name: config.name ?? hostname(), tags: config.tags },
  );
}

async function demandTerraform(environment: Environment): Promise<Executable> {
  try {
    return await findTerraform(environment["PATH"] ?? "");
  } catch (error) {
    if (!(error instanceof NoTerraformError)) throw error;
    throw new ConfigError([{ variable: "PATH", expected: error.found, mend: error.mend }]);
  }
}
