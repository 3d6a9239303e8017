import type { Queryable } from "@berth/database";
import type { NewToken } from "../identity/token.ts";
import { taken, unlessTaken } from "../http/problem.ts";

export interface KeyRow {
  readonly id: string;
  readonly user_id: string;
  readonly login_type: "password" | "token";
  readonly scope: string;
  readonly token_name: string;
  readonly lifetime_seconds: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly last_used_at: Date;
  readonly expires_at: Date;
}

export interface NewKey extends Omit<NewToken, "token"> {
  readonly userId: string;
  /** `token` ends when it was said to; any other lives on while it is used. */
  readonly loginType: string;
  readonly lifetimeMs: number;
  readonly tokenName?: string;
  readonly address: string;
}

/** @throws Problem 409 when the user has a token of this name */
export async function insertKey(sql: Queryable, key: NewKey): Promise<void> {
  const seconds = Math.ceil(key.lifetimeMs / 1000);
  const insert = sql`
    insert into api.api_key (id, user_id, secret_hash, login_type, token_name, lifetime_seconds, expires_at, ip_address)
    values (${key.id}, ${key.userId}, ${key.secretHash}, ${key.loginType}, ${key.tokenName ?? ""}, ${seconds},
      now() + ${seconds} * interval '1 second', ${key.address})`;
  await unlessTaken(
    "api_key_token_name",
    () => taken("token_name", `A token with the name "${key.tokenName ?? ""}" already exists.`),
    insert,
  );
}

const columns = (sql: Queryable) => sql`
  id, user_id, login_type, scope, token_name, lifetime_seconds::float8 as lifetime_seconds, created_at, updated_at,
  last_used_at, expires_at`;

/** By its id, or a token by its name. */
export async function findKey(sql: Queryable, userId: string, ref: string): Promise<KeyRow | undefined> {
  const [row] = await sql<KeyRow[]>`
    select ${columns(sql)} from api.api_key
    where user_id = ${userId} and (id = ${ref} or (token_name <> '' and lower(token_name) = lower(${ref})))
    order by (id = ${ref}) desc limit 1`;
  return row;
}

/** Tokens for scripts, newest last; of everybody when no user is named. */
export async function listTokens(sql: Queryable, userId: string | null): Promise<KeyRow[]> {
  return sql<KeyRow[]>`
    select ${columns(sql)} from api.api_key
    where login_type = 'token' and user_id = coalesce(${userId}::uuid, user_id) and expires_at > now()
    order by created_at, id`;
}

/** Whether there was such a key. */
export async function deleteKey(sql: Queryable, userId: string, id: string): Promise<boolean> {
  const deleted = await sql`delete from api.api_key where user_id = ${userId} and id = ${id}`;
  return deleted.count > 0;
}
