import { randomUUID } from "node:crypto";
import type { Queryable, TransactionSql } from "@berth/database";
import { isUuid } from "@berth/std";
import { literally } from "../http/filter.ts";
import type { Page } from "../http/page.ts";
import { taken, unlessTaken } from "../http/problem.ts";

export interface UserRow {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly name: string;
  readonly avatar_url: string;
  readonly password_hash: string | null;
  readonly status: "active" | "dormant" | "suspended";
  readonly login_type: "password" | "github" | "oidc" | "token" | "none";
  readonly roles: string[];
  readonly theme_preference: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly last_seen_at: Date | null;
  readonly organization_ids: string[];
}

const columns = (sql: Queryable) => sql`
  person.id, username, email, name, avatar_url, password_hash, status, login_type, roles, theme_preference,
  created_at, updated_at, last_seen_at,
  array(select organization_id from api.organization_member member where member.user_id = person.id order by member.created_at)
    as organization_ids`;

/** By `me`, id or username, in any case; `within` is the only user who may be found, or null. */
export async function findUser(
  sql: Queryable,
  ref: string,
  callerId: string,
  within: string | null,
): Promise<UserRow | undefined> {
  const id = ref === "me" ? callerId : isUuid(ref) ? ref : null;
  const [row] = await sql<UserRow[]>`
    select ${columns(sql)} from api.user person
    where deleted_at is null and (person.id = ${id} or (${id}::uuid is null and lower(username) = lower(${ref})))
      and person.id = coalesce(${within}::uuid, person.id)`;
  return row;
}

export async function findUserByEmail(sql: Queryable, email: string): Promise<UserRow | undefined> {
  const [row] = await sql<UserRow[]>`
    select ${columns(sql)} from api.user person where deleted_at is null and lower(email) = lower(${email})`;
  return row;
}

export interface UserSearch extends Page {
  readonly words: readonly string[];
  readonly status: string | null;
  readonly role: string | null;
  readonly within: string | null;
}

/** A page of users by name, and how many fit in all. */
export async function listUsers(
  sql: Queryable,
  search: UserSearch,
): Promise<{ users: UserRow[]; count: number }> {
  const patterns = search.words.map((word) => `%${literally(word)}%`);
  const fitting = sql`
    deleted_at is null and person.id = coalesce(${search.within}::uuid, person.id)
    and (${search.status}::text is null or status = ${search.status})
    and (${search.role}::text is null or ${search.role} = 'member' or ${search.role} = any(roles))
    and (username || ' ' || email || ' ' || name) ilike all(${patterns}::text[])`;
  const users = await sql<UserRow[]>`
    select ${columns(sql)} from api.user person
    where ${fitting} and (${search.afterId}::uuid is null or lower(username) >
      (select lower(username) from api.user last where last.id = ${search.afterId}))
    order by lower(username) limit ${search.limit} offset ${search.offset}`;
  const [total] = await sql<
    { count: number }[]
  >`select count(*)::int as count from api.user person where ${fitting}`;
  return { users, count: total?.count ?? 0 };
}

export async function countUsers(sql: Queryable): Promise<number> {
  const [total] = await sql<{ count: number }[]>`
    select count(*)::int as count from api.user where deleted_at is null`;
  return total?.count ?? 0;
}

/** Held until the transaction ends: of two first users only one is. */
export async function lockUsers(sql: TransactionSql): Promise<void> {
  await sql`lock table api.user in share row exclusive mode`;
}

export interface NewUser {
  readonly username: string;
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string | null;
  readonly loginType: string;
  readonly roles: readonly string[];
  readonly organizationIds: readonly string[];
}

/** @throws Problem 409 that names the field, when another has the username or e-mail */
export async function insertUser(sql: TransactionSql, user: NewUser): Promise<string> {
  const id = randomUUID();
  const insert = sql`
    insert into api.user (id, username, email, name, password_hash, login_type, roles)
    values (${id}, ${user.username}, ${user.email}, ${user.name}, ${user.passwordHash}, ${user.loginType},
      ${[...user.roles]}::text[])`;
  await unlessTaken(
    "user_username",
    () => taken("username", `The username "${user.username}" is taken.`),
    unlessTaken("user_email", () => taken("email", `The e-mail address "${user.email}" is taken.`), insert),
  );
  await sql`
    insert into api.organization_member (organization_id, user_id)
    select id, ${id} from api.organization where id = any(${[...user.organizationIds]}::uuid[])`;
  return id;
}
