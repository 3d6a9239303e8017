import { randomUUID } from "node:crypto";
import type { TransactionSql } from "@berth/database";
import type { WorkspaceBuildParameter } from "@berth/http-api";
import { forbidden, invalid } from "../http/problem.ts";
import { type Caller, scopeFor } from "../identity/caller.ts";
import { enqueue } from "../jobs/enqueue.ts";
import type { Transition } from "../jobs/status.ts";
import type { Plane } from "../plane.ts";
import { type VersionRow, listParameters } from "../template-versions/store.ts";
import { checkLocalTemplate } from "./local-template.ts";
import { resolveParameters } from "./parameters.ts";
import { insertBuild } from "./store.ts";

export interface BuildOrder {
  readonly workspace: {
    readonly id: string;
    readonly organization_id: string;
    readonly machine_id: string | null;
  };
  readonly version: VersionRow;
  readonly transition: Transition;
  readonly initiatorId: string;
  readonly reason: string;
  readonly given: readonly WorkspaceBuildParameter[];
  /** The values of the build before. */
  readonly previous: readonly WorkspaceBuildParameter[];
  readonly debugLog: boolean;
  readonly traceparent: string;
}

/** Writes a build and its job, in one transaction with whatever made it necessary. @throws Problem 400, 409, 412 */
export async function startBuild(
  sql: TransactionSql,
  plane: Pick<Plane, "config" | "process" | "hints">,
  order: BuildOrder,
): Promise<string> {
  const { workspace, version, transition } = order;
  if (transition === "start") {
    if (!version.imported)
      throw invalid(
        "template_version_id",
        `The import of template version "${version.name}" has not succeeded.`,
      );
    if (version.runs_on_machine) await checkLocalTemplate(sql, plane);
  }
  const parameters = await parametersOf(sql, order);
  const [id, jobId] = [randomUUID(), randomUUID()];
  await enqueue(sql, plane.hints, {
    id: jobId,
    organizationId: workspace.organization_id,
    initiatorId: order.initiatorId,
    fileId: version.file_id,
    subject: {
      kind: "workspace_build",
      workspaceBuildId: id,
      workspaceId: workspace.id,
      debugLog: order.debugLog,
    },
    provisioner: version.provisioner,
    tags: version.tags,
    machineId: version.runs_on_machine ? workspace.machine_id : null,
    traceparent: order.traceparent,
  });
  await insertBuild(sql, id, {
    workspaceId: workspace.id,
    versionId: version.id,
    jobId,
    transition,
    initiatorId: order.initiatorId,
    reason: order.reason,
    parameters,
  });
  return id;
}

/** A template may demand its active version of everybody but who edits templates. @throws Problem 403 */
export function demandAllowedVersion(
  caller: Caller,
  versionId: string,
  template: { readonly activeVersionId: string; readonly requiresActive: boolean },
): void {
  if (!template.requiresActive || versionId === template.activeVersionId) return;
  if (scopeFor(caller, "templates:update") === undefined)
    throw forbidden("The template demands its active version.");
}

/** Stopping and deleting take what there is: nobody is asked for a value in order to get rid of something. */
async function parametersOf(sql: TransactionSql, order: BuildOrder): Promise<WorkspaceBuildParameter[]> {
  const parameters = await listParameters(sql, order.version.id);
  const { given, previous, transition } = order;
  if (transition === "start") return resolveParameters({ parameters, given, previous });
  return parameters.map(({ name, default_value }) => ({
    name,
    value: previous.find((one) => one.name === name)?.value ?? default_value,
  }));
}
