import type { Asking } from "../http/handler.ts";
import { orNotFound } from "../http/problem.ts";
import { ownerWithin } from "../identity/caller.ts";
import { findUser, type UserRow } from "./store.ts";

/** The user that a path names, if the caller may do this to them. @throws Problem 404 */
export async function targetUser({ sql, caller, scope }: Asking, ref: string): Promise<UserRow> {
  return orNotFound(await findUser(sql, ref, caller.userId, ownerWithin(caller, scope)));
}
