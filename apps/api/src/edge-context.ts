import type { Hints, Leases, DeploymentSecrets, SigningKeys } from "@berth/coordination";
import type { Database } from "@berth/database";
import type { Secret } from "@berth/std";
import type { Logger, Metrics } from "@berth/telemetry";

/** What the streams of daemons, agents and followers share. */
export interface EdgeContext {
  readonly database: Database;
  readonly hints: Hints;
  readonly leases: Leases;
  readonly secrets: DeploymentSecrets;
  readonly signingKeys: SigningKeys;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly replicaId: string;
  /** Aborted when the process starts to end. */
  readonly signal: AbortSignal;
  /** Where users and agents reach this deployment. */
  readonly accessUrl: string;
  /** How agents and clients find relays. */
  readonly relays: RelaySettings;
  /** CODER_PROVISIONER_DAEMON_PSK, when set. */
  readonly preSharedKey?: Secret | undefined;
}

/** What agents are told about relays. */
export interface RelaySettings {
  /** The DERPMap of now. */
  derpMap(): unknown;
  readonly forceWebSockets: boolean;
  readonly blockDirect: boolean;
}
