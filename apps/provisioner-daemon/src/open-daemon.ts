import { hostname } from "node:os";
import { ConfigError, type Environment } from "@berth/config";
import { RoundTrip, type Scope } from "@berth/std";
import { type Executable, NoTerraformError, findTerraform } from "@berth/terraform";
import type { Logger, Metrics } from "@berth/telemetry";
import { ArchiveCache } from "./cache/archives.ts";
import { openIdentity } from "./cache/identity.ts";
import { RecordFile } from "./cache/job-record.ts";
import { holdFirstFree } from "./cache/lock.ts";
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

const SPARE_FOLDERS = 3;

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
  const cache = scope.use("cache", await holdFirstFree(cacheFoldersOf(config)));
  log.info("Terraform found", { ...executable });
  return new Daemon(
    {
      identity: await openIdentity(cache.folder, config.dataHome),
      cacheFolder: cache.folder,
      archives: new ArchiveCache(cache.folder),
      record: new RecordFile(cache.folder),
      replicas: new Replicas(config.urls, credentials),
      periods: surroundings.periods ?? PERIODS,
      roundTrip: new RoundTrip(UNKNOWN_TRIP_MS),
      executable,
      environment,
      terraformConfigFile: await writeTerraformConfig(cache.folder, environment["TF_CLI_CONFIG_FILE"]),
      forceCancelMs: config.forceCancelMs,
      accessUrl: config.urls.findLast((target) => /^https?:/.test(target)) ?? "",
      selfCommand,
      log,
      metrics: daemonMetrics(surroundings.metrics),
    },
    { name: config.name ?? hostname(), tags: config.tags },
  );
}

/**
 * The folder it was told; a built-in daemon has others in reserve, for one of a node that died may still finish a build in the
 * first, or another server of this machine may have it.
 */
function cacheFoldersOf({ cacheFolder, builtIn }: DaemonConfig): [string, ...string[]] {
  if (builtIn === undefined) return [cacheFolder];
  return [cacheFolder, ...Array.from({ length: SPARE_FOLDERS }, (_, at) => `${cacheFolder}-${at + 1}`)];
}

async function demandTerraform(environment: Environment): Promise<Executable> {
  try {
    return await findTerraform(environment["PATH"] ?? "");
  } catch (error) {
    if (!(error instanceof NoTerraformError)) throw error;
    throw new ConfigError([{ variable: "PATH", expected: error.found, mend: error.mend }]);
  }
}
