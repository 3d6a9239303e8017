import { routes } from "@berth/http-api";
import { on, type Handled } from "../http/handler.ts";
import { pageOf } from "../http/page.ts";
import { orNotFound } from "../http/problem.ts";
import { ownerWithin } from "../identity/caller.ts";
import { channels } from "../channels.ts";
import { targetOrganization } from "../organizations/store.ts";
import type { Plane } from "../plane.ts";
import { targetUser } from "../users/target.ts";
import { createWorkspace } from "./create.ts";
import { parseSearch } from "./search.ts";
import { type WorkspaceRow, findWorkspaceByName, listWorkspaces, renameWorkspace } from "./store.ts";
import { targetWorkspace } from "./target.ts";
import { workspaceViews } from "./view.ts";

export const workspaceHandlers = (plane: Plane): readonly Handled[] => {
  const viewOf = async (row: WorkspaceRow | undefined, viewerId: string) => {
    const { sql } = plane.database;
    const [view] = await workspaceViews(sql, plane.derpMap, [orNotFound(row)], viewerId);
    return orNotFound(view);
  };
  return [
    on(routes.listWorkspaces, async ({ sql, caller, scope, query }) => {
      const search = parseSearch(query.q, caller, ownerWithin(caller, scope), pageOf(query));
      const { rows, count } = await listWorkspaces(sql, search);
      return { workspaces: await workspaceViews(sql, plane.derpMap, rows, caller.userId), count };
    }),
    on(routes.getWorkspace, async (request) => {
      const deleted = request.query.include_deleted ?? false;
      return viewOf(
        await targetWorkspace(request, request.params.workspace, { deleted }),
        request.caller.userId,
      );
    }),
    on(routes.getWorkspaceByName, async (request) => {
      const { sql, caller, params, query } = request;
      const owner = await targetUser(request, params.user);
      const deleted = query.include_deleted ?? false;
      return viewOf(await findWorkspaceByName(sql, owner.id, params.name, { deleted }), caller.userId);
    }),
    on(routes.createWorkspace, async (request) => {
      const owner = await targetUser(request, request.params.user);
      return createWorkspace(plane, request, owner, request.body, undefined);
    }),
    on(routes.createWorkspaceInOrganization, async (request) => {
      const organization = await targetOrganization(request.sql, request.params.organization);
      const owner = await targetUser(request, request.params.user);
      return createWorkspace(plane, request, owner, request.body, organization.id);
    }),
    on(routes.renameWorkspace, async (request) => {
      const workspace = await targetWorkspace(request, request.params.workspace);
      const { name } = request.body;
      await request.change(async (sql, say) => {
        if (name !== undefined) await renameWorkspace(sql, workspace.id, name);
        say({ resourceId: workspace.id, organizationId: workspace.organization_id, diff: { name } });
        await plane.hints.notify(sql, channels.workspaceChanged, workspace.id);
      });
    }),
  ];
};
