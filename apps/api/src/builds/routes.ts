import { routes, type WorkspaceBuild } from "@berth/http-api";
import type { Queryable } from "@berth/database";
import { on, type Asking, type Handled } from "../http/handler.ts";
import { pageOf } from "../http/page.ts";
import { forbidden, invalid, orNotFound } from "../http/problem.ts";
import { ownerWithin } from "../identity/caller.ts";
import { cancel } from "../jobs/cancel.ts";
import { readJobLog } from "../logs/job-log.ts";
import type { Plane } from "../plane.ts";
import { readResources } from "../resources/read-resources.ts";
import { findVersion } from "../template-versions/store.ts";
import { findTemplate } from "../templates/store.ts";
import { type WorkspaceRow, lockWorkspace } from "../workspaces/store.ts";
import { targetWorkspace } from "../workspaces/target.ts";
import { answerCancel } from "./cancel.ts";
import { demandAllowedVersion, startBuild } from "./start-build.ts";
import { type BuildRow, buildParameters, findBuild, findState, latestBuilds, listBuilds } from "./store.ts";
import { buildViews } from "./view.ts";

/** The build that a path names, if the caller may do this to its workspace. @throws Problem 404 */
async function targetBuild({ sql, caller, scope }: Asking, id: string): Promise<BuildRow> {
  return orNotFound(await findBuild(sql, id, ownerWithin(caller, scope)));
}

export const buildHandlers = (plane: Plane): readonly Handled[] => {
  const viewOf = async (sql: Queryable, row: BuildRow | undefined): Promise<WorkspaceBuild> => {
    const [view] = await buildViews(sql, plane.derpMap, [orNotFound(row)]);
    return orNotFound(view);
  };
  return [
    on(routes.listWorkspaceBuilds, async (request) => {
      const { sql, query } = request;
      const workspace = await targetWorkspace(request, request.params.workspace, { deleted: true });
      const page = { ...pageOf(query), since: query.since ?? null };
      return buildViews(sql, plane.derpMap, await listBuilds(sql, workspace.id, page));
    }),
    on(routes.createWorkspaceBuild, async (request) => {
      const { body, caller, traceparent } = request;
      const { id } = await targetWorkspace(request, request.params.workspace);
      return request.change(async (sql, say) => {
        const workspace = orNotFound(await lockWorkspace(sql, id));
        const last = orNotFound((await latestBuilds(sql, [id]))[0]);
        const version = await versionFor(sql, workspace, last, body.transition, body.template_version_id);
        if (body.transition === "start")
          demandAllowedVersion(caller, version.id, {
            activeVersionId: workspace.template_active_version_id,
            requiresActive: workspace.template_require_active_version,
          });
        const buildId = await startBuild(sql, plane, {
          workspace,
          version,
          transition: body.transition,
          initiatorId: caller.userId,
          reason: body.reason ?? "initiator",
          given: body.rich_parameter_values ?? [],
          previous: await buildParameters(sql, last.id),
          debugLog: body.log_level === "debug",
          traceparent,
        });
        say({
          resourceId: buildId,
          organizationId: workspace.organization_id,
          diff: { workspace_id: id, transition: body.transition },
        });
        return viewOf(sql, await findBuild(sql, buildId, null));
      });
    }),
    on(routes.getWorkspaceBuild, async (request) =>
      viewOf(request.sql, await targetBuild(request, request.params.build)),
    ),
    on(routes.cancelWorkspaceBuild, async (request) => {
      const build = await targetBuild(request, request.params.build);
      const template = await findTemplate(request.sql, build.template_id);
      const allowed = template?.settings.allow_user_cancel_workspace_jobs ?? true;
      if (!allowed && request.scope !== "any")
        throw forbidden("The template does not let users cancel builds.");
      return request.change(async (sql, say) => {
        const outcome = await cancel(sql, plane.hints, build.job_id);
        say({ resourceId: build.id, diff: { workspace_id: build.workspace_id } });
        return answerCancel(outcome);
      });
    }),
    on(routes.listWorkspaceBuildParameters, async (request) => {
      const build = await targetBuild(request, request.params.build);
      return buildParameters(request.sql, build.id);
    }),
    on(routes.listWorkspaceBuildResources, async (request) => {
      const build = await targetBuild(request, request.params.build);
      return (await readResources(request.sql, plane.derpMap, [build.job_id])).get(build.job_id) ?? [];
    }),
    on(routes.listWorkspaceBuildLogs, async (request) => {
      const build = await targetBuild(request, request.params.build);
      return readJobLog(request.sql, build.job_id, request.query);
    }),
    on(routes.downloadWorkspaceBuildState, async (request) => {
      const build = await targetBuild(request, request.params.build);
      const state = orNotFound(await findState(request.sql, build.id));
      request.setHeader("content-type", "application/json");
      return state;
    }),
  ];
};

/** Stopping and deleting use the version that was built; a start the one asked for, else what the template demands. */
async function versionFor(
  sql: Queryable,
  workspace: WorkspaceRow,
  last: BuildRow,
  transition: WorkspaceBuild["transition"],
  asked: string | undefined,
) {
  const active = workspace.template_require_active_version || workspace.automatic_updates === "always";
  const followed =
    transition === "start" && active ? workspace.template_active_version_id : last.template_version_id;
  const version = await findVersion(sql, asked ?? followed);
  if (version?.template_id === workspace.template_id) return version;
  throw invalid("template_version_id", "There is no such version of the workspace's template.");
}
