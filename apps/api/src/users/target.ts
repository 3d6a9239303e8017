import type { Sql } from "@berth/database";
import { notFound } from "../http/problem.ts";
import { type Caller, ownerWithin } from "../identity/caller.ts";
import type { Scope } from "../identity/roles.ts";
import { findUser, type UserRow } from "./store.ts";

/** The user that a path names, if the caller may do this to them. @throws Problem 404 */
export async function targetUser(
  { sql, caller, scope }: { readonly sql: Sql; readonly caller: Caller; readonly scope: Scope },
  ref: string,
): Promise<UserRow> {
  const user = await findUser(sql, ref, caller.userId, ownerWithin(caller, scope));
  if (user === undefined) throw notFound();
  return user;
}
