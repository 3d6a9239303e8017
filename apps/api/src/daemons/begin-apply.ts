import type { TransactionSql } from "@berth/database";

/**
 * From here on Terraform may have changed the world. The caller has locked the job's row and checked its epoch. A workspace whose
 * template runs on the machine itself belongs to that machine from now on.
 */
export async function beginApply(
  sql: TransactionSql,
  jobId: string,
  planned: readonly string[],
): Promise<void> {
  await sql`update api.job set begun_apply_at = now(), planned = ${[...planned]} where id = ${jobId}`;
  await sql`
    update api.workspace set machine_id = daemon.machine_id, updated_at = now()
    from api.workspace_build build
    join api.template_version version on version.id = build.template_version_id and version.runs_on_machine
    join api.job on job.id = build.job_id
    join api.provisioner_daemon daemon on daemon.id = job.daemon_id and daemon.machine_id <> ''
    where build.job_id = ${jobId} and workspace.id = build.workspace_id and workspace.machine_id is null`;
}
