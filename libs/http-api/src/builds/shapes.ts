import { type Static } from "typebox";
import {
  flag,
  id,
  integer,
  list,
  namedValues,
  nullable,
  oneOf,
  optional,
  shape,
  text,
  time,
  transition,
  unserved,
} from "../shape.ts";
import { WorkspaceResource } from "../agents/shapes.ts";
import { MatchedProvisioners, ProvisionerJob } from "../jobs/shapes.ts";

/** What a build does to a workspace. */
export const Transition = transition();
export type Transition = Static<typeof Transition>;

/** What a workspace is, by its latest build. */
export const WorkspaceStatus = oneOf(
  "pending",
  "starting",
  "running",
  "stopping",
  "stopped",
  "failed",
  "canceling",
  "canceled",
  "deleting",
  "deleted",
);
export type WorkspaceStatus = Static<typeof WorkspaceStatus>;

/** One transition of a workspace. */
export const WorkspaceBuild = shape("WorkspaceBuild", {
  id: id(),
  created_at: time(),
  updated_at: time(),
  workspace_id: id(),
  workspace_name: text(),
  workspace_owner_id: id(),
  workspace_owner_name: text(),
  workspace_owner_avatar_url: optional(text()),
  template_version_id: id(),
  template_version_name: text(),
  build_number: integer(),
  transition: Transition,
  initiator_id: id(),
  initiator_name: text(),
  job: ProvisionerJob,
  reason: oneOf(
    "initiator",
    "autostart",
    "autostop",
    "dormancy",
    "dashboard",
    "cli",
    "ssh_connection",
    "vscode_connection",
    "jetbrains_connection",
  ),
  resources: list(WorkspaceResource),
  deadline: nullable(time()),
  max_deadline: nullable(time()),
  status: WorkspaceStatus,
  daily_cost: integer(),
  matched_provisioners: optional(MatchedProvisioners),
  template_version_preset_id: nullable(id()),
  has_external_agent: optional(flag()),
});
export type WorkspaceBuild = Static<typeof WorkspaceBuild>;

/** The value of one parameter. */
export const WorkspaceBuildParameter = shape("WorkspaceBuildParameter", { name: text(), value: text() });
export type WorkspaceBuildParameter = Static<typeof WorkspaceBuildParameter>;

/** Starts, stops or deletes a workspace. */
export const CreateWorkspaceBuild = shape("CreateWorkspaceBuildRequest", {
  template_version_id: optional(id()),
  transition: Transition,
  rich_parameter_values: optional(namedValues()),
  log_level: optional(oneOf("debug")),
  dry_run: unserved(),
  state: unserved(),
  orphan: unserved(),
  template_version_preset_id: unserved(),
  on_success: unserved(),
  reason: optional(oneOf("cli", "dashboard", "ssh_connection", "vscode_connection", "jetbrains_connection")),
});
export type CreateWorkspaceBuild = Static<typeof CreateWorkspaceBuild>;
