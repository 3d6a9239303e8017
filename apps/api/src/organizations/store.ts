import type { Queryable } from "@berth/database";
import { isUuid } from "@berth/std";
import { orNotFound } from "../http/problem.ts";

export interface OrganizationRow {
  readonly id: string;
  readonly name: string;
  readonly display_name: string;
  readonly description: string;
  readonly icon: string;
  readonly is_default: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** By id, name in any case, or `default` for the default one whatever its name. */
export async function findOrganization(sql: Queryable, ref: string): Promise<OrganizationRow | undefined> {
  const id = isUuid(ref) ? ref : null;
  const [row] = await sql<OrganizationRow[]>`
    select * from api.organization
    where id = ${id} or (${id}::uuid is null and lower(name) = lower(${ref})) or (${ref} = 'default' and is_default)
    order by (lower(name) = lower(${ref})) desc limit 1`;
  return row;
}

/** @throws Problem 404 */
export async function targetOrganization(sql: Queryable, ref: string): Promise<OrganizationRow> {
  return orNotFound(await findOrganization(sql, ref));
}

export async function listOrganizations(sql: Queryable): Promise<OrganizationRow[]> {
  return sql<OrganizationRow[]>`select * from api.organization order by is_default desc, lower(name)`;
}

export async function organizationsOfUser(sql: Queryable, userId: string): Promise<OrganizationRow[]> {
  return sql<OrganizationRow[]>`
    select organization.* from api.organization
    join api.organization_member member on member.organization_id = organization.id
    where member.user_id = ${userId} order by organization.is_default desc, lower(organization.name)`;
}
