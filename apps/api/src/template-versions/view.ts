import type { Queryable } from "@berth/database";
import type { TemplateVersion } from "@berth/http-api";
import { matchedProvisioners } from "../jobs/queue.ts";
import { readJobs } from "../jobs/read-jobs.ts";
import type { VersionRow } from "./store.ts";

export async function versionViews(sql: Queryable, rows: readonly VersionRow[]): Promise<TemplateVersion[]> {
  const jobIds = rows.map(({ job_id }) => job_id);
  const [jobs, matched] = await Promise.all([readJobs(sql, jobIds), matchedProvisioners(sql, jobIds)]);
  return rows.map((row) => {
    const job = jobs.get(row.job_id);
    if (job === undefined) throw new Error(`template version ${row.id} has no job`);
    const provisioners = matched.get(row.job_id);
    return {
      id: row.id,
      ...(row.template_id !== null && { template_id: row.template_id }),
      organization_id: row.organization_id,
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
      name: row.name,
      message: row.message,
      job,
      readme: row.readme,
      created_by: {
        id: row.created_by,
        username: row.created_by_username,
        name: row.created_by_name,
        avatar_url: row.created_by_avatar_url,
      },
      archived: row.archived,
      ...(provisioners && { matched_provisioners: provisioners }),
      has_external_agent: false,
    };
  });
}
