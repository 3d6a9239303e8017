import type { Queryable } from "@berth/database";
import type { CreateWorkspace, Workspace } from "@berth/http-api";
import { demandAllowedVersion, startBuild } from "../builds/start-build.ts";
import type { ApiRequest } from "../http/handler.ts";
import { invalid, orNotFound } from "../http/problem.ts";
import type { Caller } from "../identity/caller.ts";
import type { Plane } from "../plane.ts";
import { findVersion } from "../template-versions/store.ts";
import { findTemplate } from "../templates/store.ts";
import type { UserRow } from "../users/store.ts";
import { insertWorkspace } from "./store.ts";
import { readWorkspace } from "./view.ts";

type Change = Pick<ApiRequest<never>, "change" | "traceparent"> & {
  readonly sql: Queryable;
  readonly caller: Caller;
};

/** Makes a workspace and its first build. @throws Problem 400, 409, 412 */
export async function createWorkspace(
  plane: Plane,
  { sql, caller, change, traceparent }: Change,
  owner: UserRow,
  body: CreateWorkspace,
  organizationId: string | undefined,
): Promise<Workspace> {
  const { template, version } = await sourceOf(sql, body);
  if (organizationId !== undefined && template.organization_id !== organizationId)
    throw invalid("template_id", "The template belongs to another organization.");
  if (!owner.organization_ids.includes(template.organization_id))
    throw invalid("template_id", `${owner.username} is no member of the template's organization.`);
  if (template.deprecation_message !== "")
    throw invalid("template_id", `The template is deprecated: ${template.deprecation_message}`);
  demandAllowedVersion(caller, version.id, {
    activeVersionId: template.active_version_id,
    requiresActive: template.settings.require_active_version ?? false,
  });
  return change(async (transaction, say) => {
    const id = await insertWorkspace(transaction, {
      organizationId: template.organization_id,
      ownerId: owner.id,
      templateId: template.id,
      name: body.name,
      automaticUpdates: body.automatic_updates ?? "never",
    });
    await startBuild(transaction, plane, {
      workspace: { id, organization_id: template.organization_id, machine_id: null },
      version,
      transition: "start",
      initiatorId: caller.userId,
      reason: "initiator",
      given: body.rich_parameter_values ?? [],
      previous: [],
      debugLog: false,
      traceparent,
    });
    say({
      resourceId: id,
      organizationId: template.organization_id,
      diff: { name: body.name, owner_id: owner.id, template_id: template.id },
    });
    return orNotFound(await readWorkspace(transaction, plane.derpMap, id, caller.userId));
  });
}

/** The template and the version to build: the active one, unless a version is named. */
async function sourceOf(sql: Queryable, body: CreateWorkspace) {
  const { template_id: templateId, template_version_id: versionId } = body;
  if (versionId === undefined) {
    if (templateId === undefined) throw invalid("template_id", "This field is required.");
    const template = await findTemplate(sql, templateId);
    const version = template && (await findVersion(sql, template.active_version_id));
    if (template === undefined || version === undefined)
      throw invalid("template_id", "There is no such template.");
    return { template, version };
  }
  const version = await findVersion(sql, versionId);
  const template =
    typeof version?.template_id === "string" ? await findTemplate(sql, version.template_id) : undefined;
  if (version === undefined || template === undefined)
    throw invalid("template_version_id", "There is no such version of a template.");
  if (templateId !== undefined && templateId.toLowerCase() !== template.id)
    throw invalid("template_version_id", "It is a version of another template.");
  return { template, version };
}
