import type { ProvisionerDaemon, ProvisionerKey } from "@berth/http-api";
import { jobStatus } from "../jobs/status.ts";
import { publicTags } from "../jobs/tags.ts";
import type { DaemonRow, ProvisionerKeyRow } from "./store.ts";

/** Ids of keys that are no rows. */
const KEY_NAMES: Readonly<Record<string, string>> = {
  "00000000-0000-0000-0000-000000000001": "built-in",
  "00000000-0000-0000-0000-000000000002": "user-auth",
  "00000000-0000-0000-0000-000000000003": "psk",
};

export function daemonView(row: DaemonRow): ProvisionerDaemon {
  return {
    id: row.id,
    organization_id: row.organization_id,
    key_id: row.key_id,
    created_at: row.created_at.toISOString(),
    last_seen_at: row.last_seen_at.toISOString(),
    name: row.name,
    version: row.version,
    api_version: row.api_version,
    provisioners: row.provisioners,
    tags: { ...publicTags(row.tags) },
    key_name: row.key_name ?? KEY_NAMES[row.key_id] ?? null,
    status: statusOf(row),
    current_job: jobOfDaemon(row.current_job),
    previous_job: jobOfDaemon(row.previous_job),
  };
}

function statusOf({ online, current_job }: DaemonRow): ProvisionerDaemon["status"] {
  if (!online) return "offline";
  return current_job === null ? "idle" : "busy";
}

function jobOfDaemon(job: DaemonRow["current_job"]): ProvisionerDaemon["current_job"] {
  if (job === null) return null;
  return {
    id: job.id,
    status: jobStatus(job.times),
    template_name: job.template_name ?? "",
    template_icon: job.template_icon ?? "",
    template_display_name: job.template_display_name ?? "",
  };
}

export function provisionerKeyView(row: ProvisionerKeyRow): ProvisionerKey {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    organization: row.organization_id,
    name: row.name,
    tags: { ...publicTags(row.tags) },
  };
}
