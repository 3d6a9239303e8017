import { Type, type Static } from "typebox";
import { id, list, map, nullable, object, oneOf, optional, shape, text, time } from "../shape.ts";
import { JobStatus } from "../jobs/shapes.ts";

const JobOfDaemon = object({
  id: id(),
  status: JobStatus,
  template_name: text(),
  template_icon: text(),
  template_display_name: text(),
});

/** A process that runs builds. */
export const ProvisionerDaemon = shape("ProvisionerDaemon", {
  id: id(),
  organization_id: id(),
  key_id: id(),
  created_at: time(),
  last_seen_at: optional(time()),
  name: text(),
  version: text(),
  api_version: text(),
  provisioners: list(text()),
  tags: map(),
  key_name: nullable(text()),
  status: nullable(oneOf("offline", "idle", "busy")),
  current_job: nullable(JobOfDaemon),
  previous_job: nullable(JobOfDaemon),
});
export type ProvisionerDaemon = Static<typeof ProvisionerDaemon>;

/** What external daemons authenticate with; its tags become theirs. */
export const ProvisionerKey = shape("ProvisionerKey", {
  id: id(),
  created_at: time(),
  organization: id(),
  name: text(),
  tags: map(),
});
export type ProvisionerKey = Static<typeof ProvisionerKey>;

/** A key for external daemons. */
export const CreateProvisionerKey = shape("CreateProvisionerKeyRequest", {
  name: Type.String({ minLength: 1, maxLength: 64, pattern: "^[a-zA-Z0-9]+(?:[_.-]{1}[a-zA-Z0-9]+)*$" }),
  tags: optional(map()),
});
export type CreateProvisionerKey = Static<typeof CreateProvisionerKey>;

/** The key itself, shown once. */
export const ProvisionerKeyCreated = shape("CreateProvisionerKeyResponse", { key: text() });
