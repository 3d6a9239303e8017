import { createHash, randomUUID } from "node:crypto";
import type { Database } from "@berth/database";
import type { Hints } from "@berth/coordination";
import { enqueue } from "../../src/jobs/enqueue.ts";
import type { Tags } from "../../src/jobs/tags.ts";

/** Somebody, a template, a workspace: the rows that jobs are about. */
export interface World {
  readonly organizationId: string;
  readonly userId: string;
  readonly fileId: string;
  readonly templateId: string;
  readonly versionId: string;
  readonly workspaceId: string;
}

export const ARCHIVE = Buffer.from("an archive of a template");

export async function makeWorld(database: Database, hints: Hints): Promise<World> {
  const [userId, fileId, templateId, versionId, workspaceId, jobId] = ids(6);
  const [organization] = await database.sql<
    { id: string }[]
  >`select id from api.organization where is_default`;
  const organizationId = organization!.id;
  await database.transaction(async (sql) => {
    await sql`insert into api.user (id, username, email) values (${userId!}, ${`u-${userId!.slice(0, 8)}`}, ${`${userId!}@x.example`})`;
    await sql`
      insert into api.file (id, hash, mimetype, content, created_by)
      values (${fileId!}, ${createHash("sha256").update(ARCHIVE).digest()}, 'application/x-tar', ${ARCHIVE}, ${userId!})`;
    await enqueue(sql, hints, {
      id: jobId!,
      organizationId,
      initiatorId: userId!,
      fileId: fileId!,
      subject: { kind: "template_version_import", templateVersionId: versionId!, variables: [] },
      tags: {},
    });
    await sql`update api.job set started_at = now(), completed_at = now(), accepted_at = now() where id = ${jobId!}`;
    await sql`
      insert into api.template_version (id, template_id, organization_id, job_id, name, created_by)
      values (${versionId!}, ${templateId!}, ${organizationId}, ${jobId!}, 'v1', ${userId!})`;
    await sql`
      insert into api.template (id, organization_id, name, active_version_id, created_by)
      values (${templateId!}, ${organizationId}, ${`t-${templateId!}`}, ${versionId!}, ${userId!})`;
    await sql`
      insert into api.workspace (id, organization_id, owner_id, template_id, name)
      values (${workspaceId!}, ${organizationId}, ${userId!}, ${templateId!}, 'dev')`;
  });
  return {
    organizationId,
    userId: userId!,
    fileId: fileId!,
    templateId: templateId!,
    versionId: versionId!,
    workspaceId: workspaceId!,
  };
}

const ids = (count: number) => Array.from({ length: count }, () => randomUUID());

export interface PostedBuild {
  readonly jobId: string;
  readonly buildId: string;
}

/** Posts a build of the world's workspace, as the HTTP side does. */
export async function postBuild(
  database: Database,
  hints: Hints,
  world: World,
  options: { readonly transition?: string; readonly tags?: Tags; readonly machineId?: string } = {},
): Promise<PostedBuild> {
  const [jobId, buildId] = [randomUUID(), randomUUID()];
  await database.transaction(async (sql) => {
    await enqueue(sql, hints, {
      id: jobId,
      organizationId: world.organizationId,
      initiatorId: world.userId,
      fileId: world.fileId,
      subject: {
        kind: "workspace_build",
        workspaceBuildId: buildId,
        workspaceId: world.workspaceId,
        debugLog: false,
      },
      tags: options.tags ?? {},
      machineId: options.machineId ?? null,
    });
    await sql`
      insert into api.workspace_build (id, workspace_id, build_number, template_version_id, job_id, transition, initiator_id)
      select ${buildId}, ${world.workspaceId}, coalesce(max(build_number), 0) + 1, ${world.versionId}, ${jobId},
        ${options.transition ?? "start"}, ${world.userId}
      from api.workspace_build where workspace_id = ${world.workspaceId}`;
  });
  return { jobId, buildId };
}

/** Posts an import: a job without a workspace. */
export async function postImport(
  database: Database,
  hints: Hints,
  world: World,
  tags: Tags = {},
): Promise<{ readonly jobId: string; readonly versionId: string }> {
  const [jobId, versionId] = [randomUUID(), randomUUID()];
  await database.transaction(async (sql) => {
    await enqueue(sql, hints, {
      id: jobId,
      organizationId: world.organizationId,
      initiatorId: world.userId,
      fileId: world.fileId,
      subject: { kind: "template_version_import", templateVersionId: versionId, variables: [] },
      tags,
    });
    await sql`
      insert into api.template_version (id, template_id, organization_id, job_id, name, created_by)
      values (${versionId}, ${world.templateId}, ${world.organizationId}, ${jobId}, ${versionId.slice(0, 8)}, ${world.userId})`;
  });
  return { jobId, versionId };
}

export async function readJob(database: Database, jobId: string) {
  const [job] = await database.sql<
    {
      accepted_at: Date | null;
      completed_at: Date | null;
      canceled_at: Date | null;
      error: string | null;
      attempt: number;
      epoch: number;
      stage: string;
    }[]
  >`
    select accepted_at, completed_at, canceled_at, error, attempt, epoch::float8 as epoch, stage from api.job where id = ${jobId}`;
  return job!;
}
