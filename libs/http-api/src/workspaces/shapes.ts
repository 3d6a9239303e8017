import type { Static } from "typebox";
import {
  flag,
  id,
  integer,
  list,
  name,
  namedValues,
  nullable,
  object,
  oneOf,
  optional,
  shape,
  text,
  time,
  unserved,
} from "../shape.ts";
import { AppStatus } from "../agents/shapes.ts";
import { WorkspaceBuild } from "../builds/shapes.ts";

/** A place to work in, made from a template. */
export const Workspace = shape("Workspace", {
  id: id(),
  created_at: time(),
  updated_at: time(),
  owner_id: id(),
  owner_name: text(),
  owner_avatar_url: text(),
  organization_id: id(),
  organization_name: text(),
  template_id: id(),
  template_name: text(),
  template_display_name: text(),
  template_icon: text(),
  template_allow_user_cancel_workspace_jobs: flag(),
  template_active_version_id: id(),
  template_require_active_version: flag(),
  template_use_classic_parameter_flow: flag(),
  latest_build: WorkspaceBuild,
  latest_app_status: nullable(AppStatus),
  outdated: flag(),
  name: text(),
  autostart_schedule: optional(text()),
  ttl_ms: optional(integer()),
  last_used_at: time(),
  deleting_at: nullable(time()),
  dormant_at: nullable(time()),
  health: object({ healthy: flag(), failing_agents: list(id()) }),
  automatic_updates: oneOf("always", "never"),
  allow_renames: flag(),
  favorite: flag(),
  next_start_at: nullable(time()),
  is_prebuild: flag(),
  shared_with: optional(
    list(
      object({
        id: id(),
        actor_type: oneOf("user", "group"),
        name: text(),
        avatar_url: optional(text()),
        roles: list(text()),
      }),
    ),
  ),
  /** Ours: no build may begin before then: a Terraform that nobody can reach may still be running. */
  held: optional(object({ until: time(), reason: text() })),
});
export type Workspace = Static<typeof Workspace>;

/** A page of workspaces; `count` is of all that fit the filter. */
export const WorkspaceList = shape("WorkspacesResponse", { workspaces: list(Workspace), count: integer() });
export type WorkspaceList = Static<typeof WorkspaceList>;

/** Makes a workspace and its first build. */
export const CreateWorkspace = shape("CreateWorkspaceRequest", {
  template_id: optional(id()),
  template_version_id: optional(id()),
  name: name(),
  rich_parameter_values: optional(namedValues()),
  automatic_updates: optional(oneOf("always", "never")),
  autostart_schedule: unserved(),
  ttl_ms: unserved(),
  template_version_preset_id: unserved(),
});
export type CreateWorkspace = Static<typeof CreateWorkspace>;
