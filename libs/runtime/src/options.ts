import type { Environment, Section } from "@berth/config";
import type { Logger } from "@berth/telemetry";
import type { Scope } from "@berth/std";

import type { Membership } from "./membership-seam.ts";
import type { Process } from "./process.ts";

/** How a process is started other than by its environment alone. */
export interface RunOptions {
  /** Arguments after the program's and the sub-command's names. */
  readonly argv?: readonly string[];
  /** Variables that stand above the environment's. */
  readonly env?: Environment;
  /** What must be there before any service (an embedded database). */
  readonly prepare?: Preparation<unknown>;
  /** Called once, when `/readyz` has turned to 200. */
  readonly onReady?: (process: Process) => void;
  /** How this process joins the cluster. */
  readonly membership?: Membership<unknown>;
}

/** Something opened before the services, which then find it in variables. */
export interface Preparation<Config> {
  readonly name: string;
  readonly config: Section<Config>;
  /**
   * Variables that `start` will answer, with values that stand in for them, so that every option of every service is
   * checked before anything is opened.
   */
  readonly standIns: Readonly<Record<string, string>>;
  /** Answers variables for the services. What is opened is released after every service. */
  start(context: PreparationContext<Config>): Promise<Readonly<Record<string, string>>>;
}

/** What a preparation is given. */
export interface PreparationContext<Config> {
  readonly config: Config;
  readonly log: Logger;
  readonly scope: Scope;
  /** Aborted when the process is told to end. */
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
}
