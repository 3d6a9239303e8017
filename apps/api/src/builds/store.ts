import type { Queryable, TransactionSql } from "@berth/database";
import type { WorkspaceBuild, WorkspaceBuildParameter } from "@berth/http-api";
import type { Page } from "../http/page.ts";
import { Problem, unlessTaken } from "../http/problem.ts";
import type { Transition } from "../jobs/status.ts";

export interface BuildRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly workspace_name: string;
  readonly owner_id: string;
  readonly owner_name: string;
  readonly owner_avatar_url: string;
  readonly template_version_id: string;
  readonly template_version_name: string;
  readonly template_id: string;
  readonly build_number: number;
  readonly transition: Transition;
  readonly initiator_id: string;
  readonly initiator_name: string;
  readonly job_id: string;
  readonly reason: WorkspaceBuild["reason"];
  readonly daily_cost: number;
  readonly deadline: Date | null;
  readonly max_deadline: Date | null;
  readonly unfinished: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const columns = (sql: Queryable) => sql`
  build.id, build.workspace_id, workspace.name as workspace_name, workspace.owner_id, owner.username as owner_name,
  owner.avatar_url as owner_avatar_url, build.template_version_id, version.name as template_version_name,
  workspace.template_id, build.build_number, build.transition, build.initiator_id,
  initiator.username as initiator_name, build.job_id, build.reason, build.daily_cost, build.deadline,
  build.max_deadline, build.unfinished, build.created_at, build.updated_at
  from api.workspace_build build join api.workspace on workspace.id = build.workspace_id
  join api.user owner on owner.id = workspace.owner_id join api.user initiator on initiator.id = build.initiator_id
  join api.template_version version on version.id = build.template_version_id`;

/** A build of a workspace that the owner (or, for null, anybody) has. */
export async function findBuild(
  sql: Queryable,
  id: string,
  ownerId: string | null,
): Promise<BuildRow | undefined> {
  const [row] = await sql<BuildRow[]>`
    select ${columns(sql)} where build.id = ${id} and workspace.owner_id = coalesce(${ownerId}::uuid, workspace.owner_id)`;
  return row;
}

/** The newest build of each of the workspaces. */
export async function latestBuilds(sql: Queryable, workspaceIds: readonly string[]): Promise<BuildRow[]> {
  return sql<BuildRow[]>`
    select distinct on (build.workspace_id) ${columns(sql)}
    where build.workspace_id = any(${[...workspaceIds]}::uuid[])
    order by build.workspace_id, build.build_number desc`;
}

export interface BuildPage extends Page {
  readonly since: string | null;
}

/** Newest first. */
export async function listBuilds(sql: Queryable, workspaceId: string, page: BuildPage): Promise<BuildRow[]> {
  return sql<BuildRow[]>`
    select ${columns(sql)} where build.workspace_id = ${workspaceId}
      and (${page.since}::timestamptz is null or build.created_at > ${page.since})
      and (${page.afterId}::uuid is null or build.build_number <
        (select build_number from api.workspace_build last where last.id = ${page.afterId}))
    order by build.build_number desc limit ${page.limit} offset ${page.offset}`;
}

export async function buildParameters(sql: Queryable, buildId: string): Promise<WorkspaceBuildParameter[]> {
  const rows = await sql<WorkspaceBuildParameter[]>`
    select name, value from api.workspace_build_parameter where workspace_build_id = ${buildId} order by name`;
  return [...rows];
}

export interface NewBuild {
  readonly workspaceId: string;
  readonly versionId: string;
  readonly jobId: string;
  readonly transition: Transition;
  readonly initiatorId: string;
  readonly reason: string;
  readonly parameters: readonly WorkspaceBuildParameter[];
}

/**
 * The next build of a workspace whose row the caller has locked. Its job may be inserted after it, in the same transaction.
 * @throws Problem 409 while another build of it is unfinished
 */
export async function insertBuild(sql: TransactionSql, id: string, build: NewBuild): Promise<void> {
  const insert = sql`
    insert into api.workspace_build (id, workspace_id, build_number, template_version_id, job_id, transition, initiator_id,
      reason)
    select ${id}, ${build.workspaceId}, coalesce(max(build_number), 0) + 1, ${build.versionId}, ${build.jobId},
      ${build.transition}, ${build.initiatorId}, ${build.reason}
    from api.workspace_build where workspace_id = ${build.workspaceId}`;
  await unlessTaken(
    "workspace_build_unfinished",
    () => new Problem(409, "A build of this workspace has not ended yet."),
    insert,
  );
  for (const { name, value } of build.parameters)
    await sql`
      insert into api.workspace_build_parameter (workspace_build_id, name, value) values (${id}, ${name}, ${value})`;
}

/** The last Terraform state of a build. */
export async function findState(sql: Queryable, buildId: string): Promise<Buffer | undefined> {
  const [row] = await sql<{ state: Buffer }[]>`
    select state from api.workspace_state where workspace_build_id = ${buildId}`;
  return row?.state;
}
