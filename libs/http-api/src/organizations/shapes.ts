import type { Static } from "typebox";
import { flag, id, list, shape, text, time } from "../shape.ts";

/** Owns templates, workspaces and daemons. */
export const Organization = shape("Organization", {
  id: id(),
  name: text(),
  display_name: text(),
  icon: text(),
  description: text(),
  created_at: time(),
  updated_at: time(),
  is_default: flag(),
  default_org_member_roles: list(text()),
});
export type Organization = Static<typeof Organization>;
