import { Type, type Static } from "typebox";
import {
  flag,
  id,
  list,
  map,
  namedValues,
  number,
  object,
  oneOf,
  optional,
  shape,
  text,
  time,
  unserved,
} from "../shape.ts";
import { MatchedProvisioners, ProvisionerJob } from "../jobs/shapes.ts";

/** One imported state of a template's source. */
export const TemplateVersion = shape("TemplateVersion", {
  id: id(),
  template_id: optional(id()),
  organization_id: optional(id()),
  created_at: time(),
  updated_at: time(),
  name: text(),
  message: text(),
  job: ProvisionerJob,
  readme: text(),
  created_by: object({ id: id(), username: text(), name: optional(text()), avatar_url: optional(text()) }),
  archived: flag(),
  warnings: optional(list(oneOf("UNSUPPORTED_WORKSPACES"))),
  matched_provisioners: optional(MatchedProvisioners),
  has_external_agent: flag(),
});
export type TemplateVersion = Static<typeof TemplateVersion>;

/** Something a template asks of whoever makes a workspace of it. */
export const TemplateVersionParameter = shape("TemplateVersionParameter", {
  name: text(),
  display_name: optional(text()),
  description: text(),
  description_plaintext: text(),
  type: text(),
  form_type: oneOf(
    "",
    "checkbox",
    "dropdown",
    "error",
    "input",
    "multi-select",
    "radio",
    "slider",
    "switch",
    "tag-select",
    "textarea",
  ),
  mutable: flag(),
  default_value: text(),
  icon: text(),
  options: list(object({ name: text(), description: text(), value: text(), icon: text() })),
  validation_error: optional(text()),
  validation_regex: optional(text()),
  validation_min: optional(number()),
  validation_max: optional(number()),
  validation_monotonic: optional(oneOf("increasing", "decreasing")),
  required: flag(),
  ephemeral: flag(),
});
export type TemplateVersionParameter = Static<typeof TemplateVersionParameter>;

/** A Terraform variable of a template; the value of a sensitive one is never shown. */
export const TemplateVersionVariable = shape("TemplateVersionVariable", {
  name: text(),
  description: text(),
  type: text(),
  value: text(),
  default_value: text(),
  required: flag(),
  sensitive: flag(),
});
export type TemplateVersionVariable = Static<typeof TemplateVersionVariable>;

/** Imports an uploaded archive. */
export const CreateTemplateVersion = shape("CreateTemplateVersionRequest", {
  name: optional(Type.String({ maxLength: 64, pattern: "^[a-zA-Z0-9]+(?:[_.-]{1}[a-zA-Z0-9]+)*$" })),
  message: optional(Type.String({ maxLength: 1048576 })),
  template_id: optional(id()),
  storage_method: oneOf("file"),
  file_id: id(),
  example_id: unserved(),
  provisioner: oneOf("terraform", "echo"),
  tags: optional(map()),
  user_variable_values: optional(namedValues()),
});
export type CreateTemplateVersion = Static<typeof CreateTemplateVersion>;
