import type { Queryable } from "@berth/database";
import type { CreateWorkspace, Workspace } from "@berth/http-api";
import { startBuild } from "../builds/start-build.ts";
import type { ApiRequest } from "../http/handler.ts";
import { invalid, notFound } from "../http/problem.ts";
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
    const view = await readWorkspace(transaction, plane.derpMap, id, caller.userId);
    if (view === undefined) throw notFound();
    return view;
  });
}

/** The template and the version to build: the active one, unless a version is named. */
async function sourceOf(sql: Queryable, body: CreateWorkspace) {
  const field = body.template_version_id === undefined ? "template_id" : "template_version_id";
  const named =
    body.template_version_id === undefined ? undefined : await findVersion(sql, body.template_version_id);
  const templateId = named?.template_id ?? body.template_id;
  if (templateId === undefined)
    throw invalid(
      field,
      field === "template_id" ? "This field is required." : "There is no such template version.",
    );
  const template = await findTemplate(sql, templateId);
  if (
    template === undefined ||
    (body.template_id !== undefined && template.id !== body.template_id.toLowerCase())
  )
    throw invalid(field, "There is no such template.");
  const version = named ?? (await findVersion(sql, template.active_version_id));
  if (version === undefined) throw invalid(field, "There is no such template version.");
  return { template, version };
}
