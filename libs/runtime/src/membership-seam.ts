import type { Section } from "@berth/config";
import type { Logger, Metrics } from "@berth/telemetry";
import type { Scope } from "@berth/std";
import type { Cluster } from "./cluster.ts";
import type { Process } from "./process.ts";

/** How a process becomes a member of the cluster: the options it reads and how it joins. */
export interface Membership<Config> {
  readonly config: Section<Config>;
  /** Looks for mistakes before anything is opened. @throws ConfigError */
  check(config: Config): void;
  /** Resolves when joined; it stays joined, anywhere, until `leave`. */
  join(context: MembershipContext<Config>): Promise<Member>;
}

/** What joining is given. */
export interface MembershipContext<Config> {
  readonly config: Config;
  readonly process: Process;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Released after the services. */
  readonly scope: Scope;
  /** Brings the process down: what was refused will be refused again. */
  readonly fail: (error: unknown) => void;
}

/** A joined member. */
export interface Member {
  readonly cluster: Cluster;
  /** Says goodbye; called once, after the services have drained and before the listener closes. */
  leave(): Promise<void>;
}
