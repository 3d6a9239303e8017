import type { Asking } from "../http/handler.ts";
import { Problem, orNotFound } from "../http/problem.ts";
import { ownerWithin } from "../identity/caller.ts";
import { type WorkspaceRow, findWorkspace } from "./store.ts";

/**
 * The workspace that a path names, if the caller may do this to it.
 * @throws Problem 404, or 410 for one that was deleted
 */
export async function targetWorkspace(
  { sql, caller, scope }: Asking,
  id: string,
  { deleted = false }: { readonly deleted?: boolean } = {},
): Promise<WorkspaceRow> {
  const workspace = orNotFound(await findWorkspace(sql, id, ownerWithin(caller, scope)));
  if (workspace.deleted_at === null || deleted) return workspace;
  throw new Problem(410, `Workspace "${workspace.name}" was deleted.`, {
    detail: "Ask with include_deleted=true to see what is left of it.",
  });
}
