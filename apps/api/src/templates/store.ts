import { randomUUID } from "node:crypto";
import type { Queryable, TransactionSql } from "@berth/database";
import type { Template } from "@berth/http-api";
import { literally } from "../http/filter.ts";
import { invalid, notFound, taken, unlessTaken } from "../http/problem.ts";

/** The settings a template may carry; what is not set has its default in the view. */
export type TemplateSettings = Partial<
  Pick<Template, "allow_user_cancel_workspace_jobs" | "require_active_version">
>;

export interface TemplateRow {
  readonly id: string;
  readonly organization_id: string;
  readonly organization_name: string;
  readonly organization_display_name: string;
  readonly organization_icon: string;
  readonly name: string;
  readonly display_name: string;
  readonly description: string;
  readonly icon: string;
  readonly provisioner: "terraform" | "echo";
  readonly active_version_id: string;
  readonly deprecation_message: string;
  readonly settings: TemplateSettings;
  readonly created_by: string;
  readonly created_by_name: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deleted_at: Date | null;
  readonly active_user_count: number;
}

const columns = (sql: Queryable) => sql`
  template.*, organization.name as organization_name, organization.display_name as organization_display_name,
  organization.icon as organization_icon, author.username as created_by_name,
  (select count(distinct owner_id)::int from api.workspace
    where workspace.template_id = template.id and workspace.deleted_at is null) as active_user_count
  from api.template join api.organization on organization.id = template.organization_id
  join api.user author on author.id = template.created_by`;

export async function findTemplate(sql: Queryable, id: string): Promise<TemplateRow | undefined> {
  const [row] = await sql<TemplateRow[]>`
    select ${columns(sql)} where template.id = ${id} and template.deleted_at is null`;
  return row;
}

export async function findTemplateByName(
  sql: Queryable,
  organizationId: string,
  name: string,
): Promise<TemplateRow | undefined> {
  const [row] = await sql<TemplateRow[]>`
    select ${columns(sql)}
    where template.organization_id = ${organizationId} and lower(template.name) = lower(${name})
      and template.deleted_at is null`;
  return row;
}

export interface TemplateSearch {
  readonly organization: string | null;
  readonly words: readonly string[];
  readonly exactName: string | null;
  readonly deprecated: boolean | null;
}

export async function listTemplates(sql: Queryable, search: TemplateSearch): Promise<TemplateRow[]> {
  const patterns = search.words.map((word) => `%${literally(word)}%`);
  return sql<TemplateRow[]>`
    select ${columns(sql)}
    where template.deleted_at is null
      and (${search.organization}::text is null or lower(${search.organization}) = organization.id::text
        or lower(${search.organization}) = lower(organization.name))
      and (${search.exactName}::text is null or lower(template.name) = lower(${search.exactName}))
      and (${search.deprecated}::boolean is null or (template.deprecation_message <> '') = ${search.deprecated})
      and (template.name || ' ' || template.display_name) ilike all(${patterns}::text[])
    order by lower(template.name)`;
}

export interface NewTemplate {
  readonly organizationId: string;
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly icon: string;
  readonly provisioner: string;
  readonly versionId: string;
  readonly settings: TemplateSettings;
  readonly createdBy: string;
}

const nameTaken = (name: string) => () => taken("name", `A template with the name "${name}" already exists.`);

/**
 * Makes the template and gives it its first version.
 * @throws Problem 409 when the name is taken, 400 when another template took the version meanwhile
 */
export async function insertTemplate(sql: TransactionSql, template: NewTemplate): Promise<string> {
  const id = randomUUID();
  const insert = sql`
    insert into api.template (id, organization_id, name, display_name, description, icon, provisioner, active_version_id,
      settings, created_by)
    values (${id}, ${template.organizationId}, ${template.name}, ${template.displayName}, ${template.description},
      ${template.icon}, ${template.provisioner}, ${template.versionId},
      ${JSON.stringify(template.settings)}::text::jsonb, ${template.createdBy})`;
  await unlessTaken("template_name", nameTaken(template.name), insert);
  const version = await sql`
    update api.template_version set template_id = ${id}, updated_at = now()
    where id = ${template.versionId} and template_id is null`;
  if (version.count === 0) throw invalid("template_version_id", "It is a version of another template.");
  return id;
}

export interface TemplateChange {
  readonly name: string | undefined;
  readonly displayName: string | undefined;
  readonly description: string | undefined;
  readonly icon: string | undefined;
  readonly deprecationMessage: string | undefined;
  readonly settings: TemplateSettings;
}

/** Changes what is given. @throws Problem 409 when the name is taken */
export async function updateTemplate(sql: TransactionSql, id: string, change: TemplateChange): Promise<void> {
  const update = sql`
    update api.template set name = coalesce(${change.name ?? null}, name),
      display_name = coalesce(${change.displayName ?? null}, display_name),
      description = coalesce(${change.description ?? null}, description), icon = coalesce(${change.icon ?? null}, icon),
      deprecation_message = coalesce(${change.deprecationMessage ?? null}, deprecation_message),
      settings = settings || ${JSON.stringify(change.settings)}::text::jsonb, updated_at = now()
    where id = ${id} and deleted_at is null`;
  await unlessTaken("template_name", nameTaken(change.name ?? ""), update);
}

export async function setActiveVersion(sql: TransactionSql, id: string, versionId: string): Promise<void> {
  await sql`update api.template set active_version_id = ${versionId}, updated_at = now() where id = ${id}`;
}

/** Deletes it unless it has workspaces; answers whether it did. @throws Problem 404 when somebody else has, meanwhile */
export async function deleteTemplate(sql: TransactionSql, id: string): Promise<boolean> {
  // waits for workspaces that are being made of it: they hold the row for share
  const there = await sql`select from api.template where id = ${id} and deleted_at is null for update`;
  if (there.count === 0) throw notFound();
  const deleted = await sql`
    update api.template set deleted_at = now(), updated_at = now()
    where id = ${id} and not exists (
      select from api.workspace where template_id = ${id} and deleted_at is null)`;
  return deleted.count > 0;
}

export interface BuildTimes {
  readonly template_id: string;
  readonly transition: "start" | "stop" | "delete";
  readonly p50: number;
  readonly p95: number;
}

/** How long builds of these templates took within a month, in milliseconds. */
export async function buildTimes(sql: Queryable, templateIds: readonly string[]): Promise<BuildTimes[]> {
  if (templateIds.length === 0) return [];
  return sql<BuildTimes[]>`
    select version.template_id, build.transition,
      percentile_cont(0.5) within group (order by took.ms)::float8 as p50,
      percentile_cont(0.95) within group (order by took.ms)::float8 as p95
    from api.workspace_build build
    join api.template_version version on version.id = build.template_version_id
    join api.job on job.id = build.job_id
    cross join lateral (select extract(epoch from job.completed_at - job.started_at) * 1000 as ms) took
    where version.template_id = any(${[...templateIds]}::uuid[]) and job.completed_at > now() - interval '30 days'
      and job.started_at is not null and job.error is null and job.canceled_at is null
    group by version.template_id, build.transition`;
}
