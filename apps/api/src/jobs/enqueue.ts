import type { Hints } from "@berth/coordination";
import type { Queryable } from "@berth/database";
import { channels } from "../channels.ts";
import { storedTags, type Tags } from "./tags.ts";

/** What a job is for. The row it names may be inserted after the job, in the same transaction. */
export type JobSubject =
  | {
      readonly kind: "template_version_import";
      readonly templateVersionId: string;
      /** Values given for the template's variables. */
      readonly variables: readonly { readonly name: string; readonly value: string }[];
    }
  | {
      readonly kind: "workspace_build";
      readonly workspaceBuildId: string;
      readonly workspaceId: string;
      /** Whether Terraform's debug log is wanted. */
      readonly debugLog: boolean;
    };

/** A job to be run by some daemon. */
export interface NewJob {
  readonly id: string;
  readonly organizationId: string;
  readonly initiatorId: string;
  /** The template's archive. */
  readonly fileId: string;
  readonly subject: JobSubject;
  readonly provisioner?: string;
  readonly tags: Tags;
  /** The machine that alone may run it. */
  readonly machineId?: string | null;
  readonly traceparent?: string;
}

/** What `api.job.input` holds. */
export interface JobInput {
  readonly template_version_id?: string;
  readonly workspace_build_id?: string;
  readonly variables?: readonly { readonly name: string; readonly value: string }[];
  readonly debug_log?: boolean;
}

function inputOf(subject: JobSubject): JobInput {
  if (subject.kind === "workspace_build")
    return { workspace_build_id: subject.workspaceBuildId, debug_log: subject.debugLog };
  return { template_version_id: subject.templateVersionId, variables: subject.variables };
}

/** Writes a waiting job in the caller's transaction and wakes the daemons that wait, once it is committed. */
export async function enqueue(sql: Queryable, hints: Hints, job: NewJob): Promise<void> {
  await sql`
    insert into api.job (id, organization_id, initiator_id, type, provisioner, file_id, input, tags, machine_id, traceparent)
    values (${job.id}, ${job.organizationId}, ${job.initiatorId}, ${job.subject.kind}, ${job.provisioner ?? "terraform"},
      ${job.fileId}, ${JSON.stringify(inputOf(job.subject))}::text::jsonb, ${JSON.stringify(storedTags(job.tags))}::text::jsonb,
      ${job.machineId ?? null}, ${job.traceparent ?? ""})`;
  await hints.notify(sql, channels.jobPosted, job.id);
  if (job.subject.kind === "workspace_build")
    await hints.notify(sql, channels.workspaceChanged, job.subject.workspaceId);
}
