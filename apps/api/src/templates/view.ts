import type { Queryable } from "@berth/database";
import type { Template } from "@berth/http-api";
import { type BuildTimes, type TemplateRow, buildTimes } from "./store.ts";

/** Settings that have no variable part yet: nothing stops workspaces by a clock. */
const UNUSED = {
  default_ttl_ms: 0,
  activity_bump_ms: 0,
  time_til_autostop_notify_ms: 0,
  autostop_requirement: { days_of_week: [], weeks: 1 },
  autostart_requirement: { days_of_week: [] },
  allow_user_autostart: false,
  allow_user_autostop: false,
  failure_ttl_ms: 0,
  time_til_dormant_ms: 0,
  time_til_dormant_autodelete_ms: 0,
  max_port_share_level: "owner",
  cors_behavior: "simple",
  agents_allowed: false,
  disable_module_cache: false,
  module_cache_disabled_by_deployment: false,
} as const satisfies Partial<Template>;

export async function templateViews(sql: Queryable, rows: readonly TemplateRow[]): Promise<Template[]> {
  const times = await buildTimes(
    sql,
    rows.map(({ id }) => id),
  );
  return rows.map((row) =>
    templateView(
      row,
      times.filter(({ template_id }) => template_id === row.id),
    ),
  );
}

function templateView(row: TemplateRow, times: readonly BuildTimes[]): Template {
  const timesOf = (transition: BuildTimes["transition"]) => {
    const found = times.find((one) => one.transition === transition);
    return { P50: found?.p50 ?? null, P95: found?.p95 ?? null };
  };
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    organization_id: row.organization_id,
    organization_name: row.organization_name,
    organization_display_name: row.organization_display_name,
    organization_icon: row.organization_icon,
    name: row.name,
    display_name: row.display_name,
    provisioner: row.provisioner,
    active_version_id: row.active_version_id,
    active_user_count: row.active_user_count,
    build_time_stats: { start: timesOf("start"), stop: timesOf("stop"), delete: timesOf("delete") },
    description: row.description,
    deprecated: row.deprecation_message !== "",
    deprecation_message: row.deprecation_message,
    deleted: row.deleted_at !== null,
    icon: row.icon,
    created_by_id: row.created_by,
    created_by_name: row.created_by_name,
    allow_user_cancel_workspace_jobs: row.settings.allow_user_cancel_workspace_jobs ?? true,
    require_active_version: row.settings.require_active_version ?? false,
    use_classic_parameter_flow: true,
    allow_workspace_renames: true,
    ...UNUSED,
    autostop_requirement: { ...UNUSED.autostop_requirement, days_of_week: [] },
    autostart_requirement: { days_of_week: [] },
  };
}
