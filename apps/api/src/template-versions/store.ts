import type { Queryable, TransactionSql } from "@berth/database";
import type { TemplateVersionParameter, TemplateVersionVariable } from "@berth/http-api";
import type { Page } from "../http/page.ts";
import { taken, unlessTaken } from "../http/problem.ts";

export interface VersionRow {
  readonly id: string;
  readonly template_id: string | null;
  readonly organization_id: string;
  readonly job_id: string;
  readonly name: string;
  readonly message: string;
  readonly readme: string;
  readonly archived: boolean;
  readonly runs_on_machine: boolean;
  readonly created_by: string;
  readonly created_by_username: string;
  readonly created_by_name: string;
  readonly created_by_avatar_url: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly file_id: string;
  readonly provisioner: "terraform" | "echo";
  readonly tags: Readonly<Record<string, string>>;
  /** Whether its import has succeeded. */
  readonly imported: boolean;
}

const columns = (sql: Queryable) => sql`
  version.*, author.username as created_by_username, author.name as created_by_name,
  author.avatar_url as created_by_avatar_url, job.file_id, job.provisioner, job.tags,
  job.completed_at is not null and coalesce(job.error, '') = '' and job.canceled_at is null as imported
  from api.template_version version join api.user author on author.id = version.created_by
  join api.job on job.id = version.job_id`;

export async function findVersion(sql: Queryable, id: string): Promise<VersionRow | undefined> {
  const [row] = await sql<VersionRow[]>`select ${columns(sql)} where version.id = ${id}`;
  return row;
}

export interface VersionPage extends Page {
  readonly archived: boolean;
}

/** Oldest first, as clients expect. */
export async function listVersions(
  sql: Queryable,
  templateId: string,
  page: VersionPage,
): Promise<VersionRow[]> {
  return sql<VersionRow[]>`
    select ${columns(sql)} where version.template_id = ${templateId} and (not version.archived or ${page.archived})
      and (${page.afterId}::uuid is null or (version.created_at, version.id) >
        (select created_at, id from api.template_version last where last.id = ${page.afterId}))
    order by version.created_at, version.id limit ${page.limit} offset ${page.offset}`;
}

export interface NewVersion {
  readonly id: string;
  readonly templateId: string | null;
  readonly organizationId: string;
  readonly jobId: string;
  readonly name: string | undefined;
  readonly message: string;
  readonly readme: string;
  readonly runsOnMachine: boolean;
  readonly createdBy: string;
}

/** @throws Problem 409 when the template has a version of this name */
export async function insertVersion(sql: TransactionSql, version: NewVersion): Promise<void> {
  const name = version.name ?? (await nextName(sql, version.templateId));
  const insert = sql`
    insert into api.template_version (id, template_id, organization_id, job_id, name, message, readme, runs_on_machine,
      created_by)
    values (${version.id}, ${version.templateId}, ${version.organizationId}, ${version.jobId}, ${name}, ${version.message},
      ${version.readme}, ${version.runsOnMachine}, ${version.createdBy})`;
  await unlessTaken(
    "template_version_name",
    () => taken("name", `A version of this template with the name "${name}" already exists.`),
    insert,
  );
}

/** v1, v2 … per template. The template's row is locked, so that two pushes at once get two names. */
async function nextName(sql: TransactionSql, templateId: string | null): Promise<string> {
  if (templateId === null) return "v1";
  await sql`select from api.template where id = ${templateId} for no key update`;
  const [last] = await sql<{ number: number | null }[]>`
    select max(substring(name from 2)::int) as number from api.template_version
    where template_id = ${templateId} and name ~ '^v[0-9]{1,8}$'`;
  return `v${(last?.number ?? 0) + 1}`;
}

export async function listParameters(sql: Queryable, versionId: string): Promise<TemplateVersionParameter[]> {
  const rows = await sql<{ parameter: TemplateVersionParameter }[]>`
    select parameter from api.template_version_parameter where template_version_id = ${versionId} order by position, name`;
  return rows.map(({ parameter }) => parameter);
}

export async function listVariables(sql: Queryable, versionId: string): Promise<TemplateVersionVariable[]> {
  const rows = await sql<TemplateVersionVariable[]>`
    select name, description, type, default_value, required, sensitive,
      case when sensitive then '' else value end as value
    from api.template_version_variable where template_version_id = ${versionId} order by name`;
  return [...rows];
}
