/** The public status of a job. */
export type JobStatus = "pending" | "running" | "succeeded" | "failed" | "canceling" | "canceled";

/** The columns that a job's status follows from. */
export interface JobTimes {
  readonly started_at: Date | null;
  readonly canceled_at: Date | null;
  readonly completed_at: Date | null;
  readonly error: string | null;
}

export function jobStatus(job: JobTimes): JobStatus {
  const failed = job.error !== null && job.error !== "";
  if (job.completed_at !== null) {
    if (failed) return "failed";
    return job.canceled_at === null ? "succeeded" : "canceled";
  }
  if (job.canceled_at !== null) return "canceling";
  return job.started_at === null ? "pending" : "running";
}

export type Transition = "start" | "stop" | "delete";

/** The public status of a workspace's build. */
export type BuildStatus =
  | "pending"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "deleting"
  | "deleted"
  | "failed"
  | "canceling"
  | "canceled";

const RUNNING = { start: "starting", stop: "stopping", delete: "deleting" } as const;
const DONE = { start: "running", stop: "stopped", delete: "deleted" } as const;

export function buildStatus(job: JobStatus, transition: Transition): BuildStatus {
  if (job === "running") return RUNNING[transition];
  if (job === "succeeded") return DONE[transition];
  return job;
}
