import type { provisioner } from "@berth/contract";
import type { RoundTrip } from "@berth/std";
import type { Executable } from "@berth/terraform";
import type { Logger } from "@berth/telemetry";
import type { ArchiveCache } from "../cache/archives.ts";
import type { Identity } from "../cache/identity.ts";
import type { RecordFile } from "../cache/job-record.ts";
import type { Replicas } from "../line/replicas.ts";
import type { DaemonMetrics } from "../metrics.ts";
import type { Periods } from "../periods.ts";

/** What every job of a daemon shares. */
export interface DaemonContext {
  readonly identity: Identity;
  readonly cacheFolder: string;
  readonly archives: ArchiveCache;
  readonly record: RecordFile;
  readonly replicas: Replicas;
  readonly periods: Periods;
  readonly roundTrip: RoundTrip;
  readonly executable: Executable;
  /** The daemon's own environment, from which Terraform's is made. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Terraform's own configuration file. */
  readonly terraformConfigFile: string;
  readonly forceCancelMs: number;
  /** Where an import says that the deployment is. */
  readonly accessUrl: string;
  /** How this program starts itself. */
  readonly selfCommand: (words: readonly string[]) => readonly string[];
  readonly log: Logger;
  readonly metrics: DaemonMetrics;
}

/** How a job came out. */
export type JobResult =
  | { readonly kind: "complete"; readonly value: provisioner.CompleteJob }
  | { readonly kind: "fail"; readonly value: provisioner.FailJob };

/** A result without anything made. */
export function failed(error: string, more: Partial<provisioner.FailJob> = {}): JobResult {
  return {
    kind: "fail",
    value: { error, errorCode: "", state: undefined, canceled: false, inFlight: [], ...more },
  };
}
