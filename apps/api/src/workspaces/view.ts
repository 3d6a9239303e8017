import type { Queryable } from "@berth/database";
import type { DerpMap, Workspace, WorkspaceBuild } from "@berth/http-api";
import { latestBuilds } from "../builds/store.ts";
import { buildViews } from "../builds/view.ts";
import { type WorkspaceRow, findWorkspace } from "./store.ts";

/** Workspaces as this viewer reads them, each with its latest build. */
export async function workspaceViews(
  sql: Queryable,
  derpMap: DerpMap,
  rows: readonly WorkspaceRow[],
  viewerId: string,
): Promise<Workspace[]> {
  const builds = await latestBuilds(
    sql,
    rows.map(({ id }) => id),
  );
  const views = await buildViews(sql, derpMap, builds);
  return rows.map((row) => {
    const build = views.find(({ workspace_id }) => workspace_id === row.id);
    if (build === undefined) throw new Error(`workspace ${row.id} has no build`);
    return workspaceView(row, build, viewerId);
  });
}

/** One workspace as this viewer reads it, deleted or not; undefined when it is gone altogether. */
export async function readWorkspace(
  sql: Queryable,
  derpMap: DerpMap,
  id: string,
  viewerId: string,
): Promise<Workspace | undefined> {
  const row = await findWorkspace(sql, id, null);
  const [view] = row === undefined ? [] : await workspaceViews(sql, derpMap, [row], viewerId);
  return view;
}

function workspaceView(row: WorkspaceRow, build: WorkspaceBuild, viewerId: string): Workspace {
  const agents = build.resources.flatMap((resource) => resource.agents ?? []);
  const failing = agents.filter(({ health }) => !health.healthy).map(({ id }) => id);
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    owner_id: row.owner_id,
    owner_name: row.owner_name,
    owner_avatar_url: row.owner_avatar_url,
    organization_id: row.organization_id,
    organization_name: row.organization_name,
    template_id: row.template_id,
    template_name: row.template_name,
    template_display_name: row.template_display_name,
    template_icon: row.template_icon,
    template_allow_user_cancel_workspace_jobs: row.template_allow_user_cancel,
    template_active_version_id: row.template_active_version_id,
    template_require_active_version: row.template_require_active_version,
    template_use_classic_parameter_flow: true,
    latest_build: build,
    latest_app_status: null,
    outdated: build.template_version_id !== row.template_active_version_id,
    name: row.name,
    ...(row.autostart_schedule !== null && { autostart_schedule: row.autostart_schedule }),
    ...(row.ttl_ms !== null && { ttl_ms: row.ttl_ms }),
    last_used_at: row.last_used_at.toISOString(),
    deleting_at: null,
    dormant_at: null,
    health: { healthy: failing.length === 0, failing_agents: failing },
    automatic_updates: row.automatic_updates,
    allow_renames: true,
    favorite: row.favorite && row.owner_id === viewerId,
    next_start_at: null,
    is_prebuild: false,
    ...(row.held_until && { held: { until: row.held_until.toISOString(), reason: row.held_reason } }),
  };
}
