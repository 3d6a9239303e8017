import { randomUUID } from "node:crypto";
import type { Queryable, TransactionSql } from "@berth/database";
import { invalid, taken, unlessTaken } from "../http/problem.ts";
import { type WorkspaceSearch, fittingWorkspaces } from "./search.ts";

export interface WorkspaceRow {
  readonly id: string;
  readonly organization_id: string;
  readonly organization_name: string;
  readonly owner_id: string;
  readonly owner_name: string;
  readonly owner_avatar_url: string;
  readonly template_id: string;
  readonly template_name: string;
  readonly template_display_name: string;
  readonly template_icon: string;
  readonly template_active_version_id: string;
  readonly template_allow_user_cancel: boolean;
  readonly template_require_active_version: boolean;
  readonly name: string;
  readonly autostart_schedule: string | null;
  readonly ttl_ms: number | null;
  readonly automatic_updates: "always" | "never";
  readonly machine_id: string | null;
  readonly favorite: boolean;
  readonly last_used_at: Date;
  readonly held_until: Date | null;
  readonly held_reason: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deleted_at: Date | null;
}

const columns = (sql: Queryable) => sql`
  workspace.id, workspace.organization_id, organization.name as organization_name, workspace.owner_id,
  owner.username as owner_name, owner.avatar_url as owner_avatar_url, workspace.template_id,
  template.name as template_name, template.display_name as template_display_name, template.icon as template_icon,
  template.active_version_id as template_active_version_id,
  coalesce((template.settings ->> 'allow_user_cancel_workspace_jobs')::boolean, true) as template_allow_user_cancel,
  coalesce((template.settings ->> 'require_active_version')::boolean, false) as template_require_active_version,
  workspace.name, workspace.autostart_schedule, workspace.ttl_ms::float8 as ttl_ms, workspace.automatic_updates,
  workspace.machine_id, workspace.favorite, workspace.last_used_at, workspace.created_at, workspace.updated_at,
  workspace.deleted_at, case when workspace.held_until > now() then workspace.held_until end as held_until,
  workspace.held_reason
  from api.workspace join api.organization on organization.id = workspace.organization_id
  join api.user owner on owner.id = workspace.owner_id join api.template on template.id = workspace.template_id`;

/** A workspace that the owner (or, for null, anybody) has; deleted ones too. */
export async function findWorkspace(
  sql: Queryable,
  id: string,
  ownerId: string | null,
): Promise<WorkspaceRow | undefined> {
  const [row] = await sql<WorkspaceRow[]>`
    select ${columns(sql)} where workspace.id = ${id} and workspace.owner_id = coalesce(${ownerId}::uuid, workspace.owner_id)`;
  return row;
}

/** By name in any case; of deleted ones the last, and only when asked for. */
export async function findWorkspaceByName(
  sql: Queryable,
  ownerId: string,
  name: string,
  { deleted }: { readonly deleted: boolean },
): Promise<WorkspaceRow | undefined> {
  const [row] = await sql<WorkspaceRow[]>`
    select ${columns(sql)}
    where workspace.owner_id = ${ownerId} and lower(workspace.name) = lower(${name})
      and (workspace.deleted_at is null or ${deleted})
    order by workspace.deleted_at desc nulls first limit 1`;
  return row;
}

export async function listWorkspaces(
  sql: Queryable,
  search: WorkspaceSearch,
): Promise<{ rows: WorkspaceRow[]; count: number }> {
  const rows = await sql<WorkspaceRow[]>`
    select ${columns(sql)} where ${fittingWorkspaces(sql, search)}
      and (${search.afterId}::uuid is null or (lower(owner.username), lower(workspace.name)) >
        (select lower(username), lower(last.name) from api.workspace last
          join api.user on "user".id = last.owner_id where last.id = ${search.afterId}))
    order by lower(owner.username), lower(workspace.name) limit ${search.limit} offset ${search.offset}`;
  const [total] = await sql<{ count: number }[]>`
    select count(*)::int as count from api.workspace join api.organization on organization.id = workspace.organization_id
    join api.user owner on owner.id = workspace.owner_id join api.template on template.id = workspace.template_id
    where ${fittingWorkspaces(sql, search)}`;
  return { rows, count: total?.count ?? 0 };
}

/** Locks the row, so that builds of one workspace are numbered one after another. */
export async function lockWorkspace(sql: TransactionSql, id: string): Promise<WorkspaceRow | undefined> {
  await sql`select from api.workspace where id = ${id} for update`;
  const found = await findWorkspace(sql, id, null);
  return found?.deleted_at === null ? found : undefined;
}

export interface NewWorkspace {
  readonly organizationId: string;
  readonly ownerId: string;
  readonly templateId: string;
  readonly name: string;
  readonly automaticUpdates: string;
}

const nameTaken = (name: string) => () =>
  taken("name", `A workspace with the name "${name}" already exists.`);

/** @throws Problem 409 when the owner has a workspace of this name, 400 when the template was deleted meanwhile */
export async function insertWorkspace(sql: TransactionSql, workspace: NewWorkspace): Promise<string> {
  const id = randomUUID();
  // whoever comes second, of this and the template's deletion, waits here for the first and sees what it did
  const template = await sql`
    select from api.template where id = ${workspace.templateId} and deleted_at is null for share`;
  if (template.count === 0) throw invalid("template_id", "There is no such template.");
  const insert = sql`
    insert into api.workspace (id, organization_id, owner_id, template_id, name, automatic_updates)
    values (${id}, ${workspace.organizationId}, ${workspace.ownerId}, ${workspace.templateId}, ${workspace.name},
      ${workspace.automaticUpdates})`;
  await unlessTaken("workspace_name", nameTaken(workspace.name), insert);
  return id;
}

/** @throws Problem 409 when the owner has a workspace of this name */
export async function renameWorkspace(sql: TransactionSql, id: string, name: string): Promise<void> {
  const update = sql`update api.workspace set name = ${name}, updated_at = now() where id = ${id}`;
  await unlessTaken("workspace_name", nameTaken(name), update);
}
