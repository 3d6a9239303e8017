import type { Queryable } from "@berth/database";
import type { DerpMap, WorkspaceBuild } from "@berth/http-api";
import { matchedProvisioners } from "../jobs/queue.ts";
import { readJobs } from "../jobs/read-jobs.ts";
import { buildStatus } from "../jobs/status.ts";
import { readResources } from "../resources/read-resources.ts";
import type { BuildRow } from "./store.ts";

/** Builds as public clients read them, with their jobs and resources. */
export async function buildViews(
  sql: Queryable,
  derpMap: DerpMap,
  rows: readonly BuildRow[],
): Promise<WorkspaceBuild[]> {
  const jobIds = rows.map(({ job_id }) => job_id);
  const [jobs, matched, resources] = await Promise.all([
    readJobs(sql, jobIds),
    matchedProvisioners(sql, jobIds),
    readResources(sql, derpMap, jobIds),
  ]);
  return rows.map((row) => {
    const job = jobs.get(row.job_id);
    if (job === undefined) throw new Error(`build ${row.id} has no job`);
    const provisioners = matched.get(row.job_id);
    return {
      ...describeBuild(row),
      job,
      resources: resources.get(row.job_id) ?? [],
      status: buildStatus(job.status, row.transition),
      ...(provisioners && { matched_provisioners: provisioners }),
    };
  });
}

function describeBuild(row: BuildRow) {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    workspace_id: row.workspace_id,
    workspace_name: row.workspace_name,
    workspace_owner_id: row.owner_id,
    workspace_owner_name: row.owner_name,
    workspace_owner_avatar_url: row.owner_avatar_url,
    template_version_id: row.template_version_id,
    template_version_name: row.template_version_name,
    build_number: row.build_number,
    transition: row.transition,
    initiator_id: row.initiator_id,
    initiator_name: row.initiator_name,
    reason: row.reason,
    deadline: row.deadline?.toISOString() ?? null,
    max_deadline: row.max_deadline?.toISOString() ?? null,
    daily_cost: row.daily_cost,
    template_version_preset_id: null,
    has_external_agent: false,
  };
}
