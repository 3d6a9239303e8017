import type { Static } from "typebox";
import {
  exact,
  flag,
  id,
  integer,
  list,
  map,
  nullable,
  object,
  oneOf,
  optional,
  shape,
  text,
  time,
  transition,
} from "../shape.ts";

/** Where a job stands. */
export const JobStatus = oneOf(
  "pending",
  "running",
  "succeeded",
  "failed",
  "canceling",
  "canceled",
  "unknown",
);
export type JobStatus = Static<typeof JobStatus>;

/** What a daemon was asked to do, and how it went. */
export const ProvisionerJob = shape("ProvisionerJob", {
  id: id(),
  created_at: time(),
  started_at: optional(time()),
  completed_at: optional(time()),
  canceled_at: optional(time()),
  error: optional(text()),
  error_code: optional(oneOf("REQUIRED_TEMPLATE_VARIABLES", "INSUFFICIENT_QUOTA")),
  status: JobStatus,
  worker_id: optional(id()),
  worker_name: optional(text()),
  file_id: id(),
  tags: map(),
  queue_position: integer(),
  queue_size: integer(),
  organization_id: id(),
  initiator_id: id(),
  input: object({
    template_version_id: optional(id()),
    workspace_build_id: optional(id()),
    error: optional(text()),
  }),
  type: oneOf("template_version_import", "workspace_build", "template_version_dry_run"),
  available_workers: optional(list(id())),
  metadata: object({
    template_version_name: text(),
    template_id: id(),
    template_name: text(),
    template_display_name: text(),
    template_icon: text(),
    workspace_id: optional(id()),
    workspace_name: optional(text()),
    workspace_build_transition: optional(transition()),
  }),
  logs_overflowed: flag(),
  /** Ours: why it waits, in words; empty when it does not. */
  waiting_reason: optional(text()),
});
export type ProvisionerJob = Static<typeof ProvisionerJob>;

/** How much a log line matters. */
export const LogLevel = oneOf("trace", "debug", "info", "warn", "error");
export type LogLevel = Static<typeof LogLevel>;

/** One line of a build's or an import's log. Its id rises over all attempts and is what `after` takes. */
export const ProvisionerJobLog = shape("ProvisionerJobLog", {
  id: integer(),
  created_at: time(),
  log_source: oneOf("provisioner_daemon", "provisioner"),
  log_level: LogLevel,
  stage: text(),
  output: text(),
});
export type ProvisionerJobLog = Static<typeof ProvisionerJobLog>;

/** How many daemons could have taken a job. */
export const MatchedProvisioners = shape("MatchedProvisioners", {
  count: integer(),
  available: integer(),
  most_recently_seen: optional(nullable(time())),
});
export type MatchedProvisioners = Static<typeof MatchedProvisioners>;

/** What every log takes: lines after an id, and whether to go on as they come. */
export const logQuery = object({
  after: optional(exact()),
  before: optional(exact()),
  follow: optional(flag()),
});
export type LogQuery = Static<typeof logQuery>;
