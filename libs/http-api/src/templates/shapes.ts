import { Type, type Static } from "typebox";
import {
  flag,
  id,
  integer,
  list,
  name,
  nullable,
  number,
  object,
  oneOf,
  optional,
  shape,
  sharingLevel,
  text,
  time,
} from "../shape.ts";

const statistics = () => object({ P50: nullable(number()), P95: nullable(number()) });

/** What workspaces are made from. */
export const Template = shape("Template", {
  id: id(),
  created_at: time(),
  updated_at: time(),
  organization_id: id(),
  organization_name: text(),
  organization_display_name: text(),
  organization_icon: text(),
  name: text(),
  display_name: text(),
  provisioner: oneOf("terraform", "echo"),
  active_version_id: id(),
  active_user_count: integer(),
  build_time_stats: object({ start: statistics(), stop: statistics(), delete: statistics() }),
  description: text(),
  deprecated: flag(),
  deprecation_message: text(),
  deleted: flag(),
  icon: text(),
  default_ttl_ms: integer(),
  activity_bump_ms: integer(),
  time_til_autostop_notify_ms: integer(),
  autostop_requirement: object({ days_of_week: list(text()), weeks: integer() }),
  autostart_requirement: object({ days_of_week: list(text()) }),
  created_by_id: id(),
  created_by_name: text(),
  allow_user_autostart: flag(),
  allow_user_autostop: flag(),
  allow_user_cancel_workspace_jobs: flag(),
  failure_ttl_ms: integer(),
  time_til_dormant_ms: integer(),
  time_til_dormant_autodelete_ms: integer(),
  require_active_version: flag(),
  max_port_share_level: sharingLevel(),
  cors_behavior: oneOf("simple", "passthru"),
  use_classic_parameter_flow: flag(),
  agents_allowed: flag(),
  disable_module_cache: flag(),
  module_cache_disabled_by_deployment: flag(),
  allow_workspace_renames: flag(),
});
export type Template = Static<typeof Template>;

/** What a template is given when it is made, and may be given anew. */
const settings = {
  display_name: optional(Type.String({ maxLength: 64 })),
  description: optional(Type.String({ maxLength: 128 })),
  icon: optional(text()),
  allow_user_cancel_workspace_jobs: optional(flag()),
  require_active_version: optional(flag()),
};

/** Makes a template of a version that was imported before. */
export const CreateTemplate = shape("CreateTemplateRequest", {
  name: name(),
  template_version_id: id(),
  ...settings,
});
export type CreateTemplate = Static<typeof CreateTemplate>;

/** Changes what is given and leaves the rest. */
export const UpdateTemplate = shape("UpdateTemplateMeta", {
  name: optional(name()),
  deprecation_message: optional(text()),
  ...settings,
});
export type UpdateTemplate = Static<typeof UpdateTemplate>;
