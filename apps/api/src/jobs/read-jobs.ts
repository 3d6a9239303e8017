import type { Queryable } from "@berth/database";
import type { JobInput } from "./enqueue.ts";
import { queuePlaces, waitReasonText, type QueuePlace } from "./queue.ts";
import { jobStatus, type JobStatus, type JobTimes, type Transition } from "./status.ts";
import { publicTags, type Tags } from "./tags.ts";

/** The public ProvisionerJob, and why it waits. */
export interface ProvisionerJob {
  readonly id: string;
  readonly created_at: string;
  readonly started_at?: string;
  readonly completed_at?: string;
  readonly canceled_at?: string;
  readonly error?: string;
  readonly error_code?: "REQUIRED_TEMPLATE_VARIABLES" | "INSUFFICIENT_QUOTA";
  readonly status: JobStatus;
  readonly worker_id?: string;
  readonly worker_name?: string;
  readonly file_id: string;
  readonly tags: Record<string, string>;
  readonly queue_position: number;
  readonly queue_size: number;
  readonly organization_id: string;
  readonly initiator_id: string;
  readonly input: { readonly template_version_id?: string; readonly workspace_build_id?: string };
  readonly type: "template_version_import" | "workspace_build" | "template_version_dry_run";
  readonly available_workers?: string[];
  readonly metadata: JobMetadata;
  readonly logs_overflowed: boolean;
  /** Ours: present while it waits for something that takes time. */
  readonly waiting_reason?: string;
}

interface JobMetadata {
  readonly template_version_name: string;
  readonly template_id: string;
  readonly template_name: string;
  readonly template_display_name: string;
  readonly template_icon: string;
  readonly workspace_id?: string;
  readonly workspace_name?: string;
  readonly workspace_build_transition?: Transition;
}

interface JobRow extends JobTimes {
  id: string;
  created_at: Date;
  error_code: ProvisionerJob["error_code"] | null;
  daemon_id: string | null;
  daemon_name: string | null;
  file_id: string;
  tags: Tags;
  organization_id: string;
  initiator_id: string;
  input: JobInput;
  type: ProvisionerJob["type"];
  logs_overflowed: boolean;
  version_name: string | null;
  template_id: string | null;
  template_name: string | null;
  template_display_name: string | null;
  template_icon: string | null;
  workspace_id: string | null;
  workspace_name: string | null;
  transition: Transition | null;
}

const NIL = "00000000-0000-0000-0000-000000000000";

/** Jobs as public clients read them, by id; those that wait with their place in the queue. */
export async function readJobs(
  sql: Queryable,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, ProvisionerJob>> {
  if (jobIds.length === 0) return new Map();
  const rows = await sql<JobRow[]>`
    select job.id, job.created_at, job.started_at, job.completed_at, job.canceled_at, job.error, job.error_code,
      job.daemon_id, daemon.name as daemon_name, job.file_id, job.tags, job.organization_id, job.initiator_id, job.input,
      job.type, job.logs_overflowed, version.name as version_name, template.id as template_id, template.name as template_name,
      template.display_name as template_display_name, template.icon as template_icon, workspace.id as workspace_id,
      workspace.name as workspace_name, build.transition
    from api.job
    left join api.provisioner_daemon daemon on daemon.id = job.daemon_id and job.accepted_at is not null
    left join api.workspace_build build on build.job_id = job.id
    left join api.workspace on workspace.id = build.workspace_id
    left join api.template_version version on version.job_id = job.id or version.id = build.template_version_id
    left join api.template on template.id = version.template_id
    where job.id = any(${[...jobIds]}::uuid[])`;
  const waiting = rows.filter((row) => row.started_at === null && row.completed_at === null);
  const places = await queuePlaces(
    sql,
    waiting.map((row) => row.id),
  );
  return new Map(rows.map((row) => [row.id, jobOf(row, places.get(row.id))]));
}

function jobOf(row: JobRow, place: QueuePlace | undefined): ProvisionerJob {
  const waits = place === undefined ? "" : waitReasonText(place.reason);
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    ...(row.started_at && { started_at: row.started_at.toISOString() }),
    ...(row.completed_at && { completed_at: row.completed_at.toISOString() }),
    ...(row.canceled_at && { canceled_at: row.canceled_at.toISOString() }),
    ...(row.error !== null && { error: row.error }),
    ...(row.error_code && { error_code: row.error_code }),
    status: jobStatus(row),
    ...(row.started_at && row.daemon_id !== null && { worker_id: row.daemon_id }),
    ...(row.started_at && row.daemon_name !== null && { worker_name: row.daemon_name }),
    file_id: row.file_id,
    tags: { ...publicTags(row.tags) },
    queue_position: place?.position ?? 0,
    queue_size: place?.size ?? 0,
    organization_id: row.organization_id,
    initiator_id: row.initiator_id,
    input: {
      ...(row.input.template_version_id !== undefined && {
        template_version_id: row.input.template_version_id,
      }),
      ...(row.input.workspace_build_id !== undefined && {
        workspace_build_id: row.input.workspace_build_id,
      }),
    },
    type: row.type,
    ...(place && { available_workers: [...place.availableWorkers] }),
    metadata: metadataOf(row),
    logs_overflowed: row.logs_overflowed,
    ...(waits !== "" && { waiting_reason: waits }),
  };
}

function metadataOf(row: JobRow): JobMetadata {
  return {
    template_version_name: row.version_name ?? "",
    template_id: row.template_id ?? NIL,
    template_name: row.template_name ?? "",
    template_display_name: row.template_display_name ?? "",
    template_icon: row.template_icon ?? "",
    ...(row.workspace_id !== null && { workspace_id: row.workspace_id }),
    ...(row.workspace_name !== null && { workspace_name: row.workspace_name }),
    ...(row.transition !== null && { workspace_build_transition: row.transition }),
  };
}
