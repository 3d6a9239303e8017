import type { IncomingMessage } from "node:http";
import type { Sql } from "@berth/database";
import { Problem } from "../http/problem.ts";
import type { Plane } from "../plane.ts";
import type { Caller } from "./caller.ts";
import { acts, credentialsOf, demandOwnPage } from "./credentials.ts";
import { parseToken, secretFits } from "./token.ts";

interface KeyRow {
  secret_hash: Buffer;
  login_type: string;
  user_id: string;
  username: string;
  roles: string[];
  status: string;
  expires_at: Date;
  expired: boolean;
  idle: boolean;
}

const unauthorized = (detail: string) =>
  new Problem(401, "You are not logged in.", {
    detail,
  });

/**
 * Who makes this request, be it plain or an upgrade.
 * @throws Problem 401 when nobody known does, 403 when a foreign page uses a browser's cookie
 */
export async function authenticate(
  { database, accessUrl }: Pick<Plane, "database" | "accessUrl">,
  request: IncomingMessage,
): Promise<Caller> {
  const credentials = credentialsOf(request);
  if (credentials === undefined)
    throw unauthorized('Cookie "coder_session_token", the header or the query parameter must be provided.');
  if (credentials.ambient && acts(request)) demandOwnPage(request, accessUrl);
  return callerOf(database.sql, credentials.token);
}

async function callerOf(sql: Sql, token: string): Promise<Caller> {
  const parsed = parseToken(token);
  if (parsed === undefined) throw unauthorized("Invalid API key format: it is not <id>-<secret>.");
  const [key] = await sql<KeyRow[]>`
    select key.secret_hash, key.login_type, key.user_id, key.expires_at, key.expires_at <= now() as expired,
      key.last_used_at < now() - interval '1 minute' as idle, owner.username, owner.roles, owner.status
    from api.api_key key join api.user owner on owner.id = key.user_id and owner.deleted_at is null
    where key.id = ${parsed.id}`;
  if (key === undefined || !secretFits(parsed.secret, key.secret_hash))
    throw unauthorized("API key is invalid.");
  if (key.expired) throw unauthorized(`API key expired at "${key.expires_at.toISOString()}".`);
  if (key.status === "suspended") throw unauthorized("This user is suspended: ask an administrator.");
  if (key.idle) await touch(sql, parsed.id, key.user_id);
  return {
    userId: key.user_id,
    username: key.username,
    roles: key.roles,
    keyId: parsed.id,
    loginType: key.login_type,
  };
}

/** A session that is used lives on; a token ends when it was said to. Written once a minute at most. */
async function touch(sql: Sql, keyId: string, userId: string): Promise<void> {
  await sql`
    with used as (
      update api.api_key set last_used_at = now(), updated_at = now(), expires_at = case
        when login_type = 'token' then expires_at
        else greatest(expires_at, now() + lifetime_seconds * interval '1 second') end
      where id = ${keyId})
    update api.user set last_seen_at = now(), status = case when status = 'dormant' then 'active' else status end
    where id = ${userId}`;
}
