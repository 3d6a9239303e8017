import type { Section } from "@berth/config";
import type { Mount } from "@berth/rpc";
import type { Logger, Metrics } from "@berth/telemetry";
import type { Scope } from "@berth/std";
import type { Process } from "./process.ts";

/**
 * One service of the control plane. `start` resolves when it is ready to serve; whatever it opens it adds to `scope`
 * at once. Start order is list order, closing is the reverse, so supporting services stand first.
 */
export interface Service<Config = unknown> {
  readonly name: string;
  /** One section, or several merged under one type. */
  readonly config: Section<Config>;
  start(context: ServiceContext<Config>): Promise<void>;
}

/** What a service is given. */
export interface ServiceContext<Config> {
  readonly config: Config;
  readonly mount: Mount;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Released in reverse after draining. */
  readonly scope: Scope;
  /** Aborted when the process starts to end: loops stop, streams are told to move. */
  readonly signal: AbortSignal;
  /** The only way to bring the process down: it drains and exits 1. */
  readonly fail: (error: unknown) => void;
  /**
   * Registers what must happen between the signal and the closing of sockets, in order of the process's drain: readiness off
   * first, then every registered drain side by side until done or CODER_DRAIN_TIMEOUT.
   */
  readonly onDrain: (name: string, drain: (reason: DrainReason) => Promise<void>) => void;
  /** The process this service lives in: its replica id, its listener's address, the names of the services in it. */
  readonly process: Process;
}

/** SIGTERM is bounded by CODER_DRAIN_TIMEOUT, SIGHUP is not, SIGINT cancels what can be canceled. */
export type DrainReason = "SIGTERM" | "SIGHUP" | "SIGINT" | "failure";
