import { routes, type Template } from "@berth/http-api";
import type { Queryable } from "@berth/database";
import { booleanOf, parseFilter } from "../http/filter.ts";
import { on, type Handled } from "../http/handler.ts";
import { pageOf } from "../http/page.ts";
import { Problem, invalid, orNotFound } from "../http/problem.ts";
import { targetOrganization } from "../organizations/store.ts";
import { findVersion, listVersions } from "../template-versions/store.ts";
import { versionViews } from "../template-versions/view.ts";
import {
  type TemplateRow,
  deleteTemplate,
  findTemplate,
  findTemplateByName,
  insertTemplate,
  listTemplates,
  setActiveVersion,
  updateTemplate,
} from "./store.ts";
import { templateViews } from "./view.ts";

const KEYS = ["name", "exact_name", "organization", "deprecated", "has-ai-task"] as const;

async function search(
  sql: Queryable,
  q: string | undefined,
  organization: string | null,
): Promise<Template[]> {
  const { values, words } = parseFilter(q, KEYS, "template");
  // no template here runs tasks
  if (booleanOf("has-ai-task", values["has-ai-task"]) === true) return [];
  const rows = await listTemplates(sql, {
    organization: organization ?? values.organization ?? null,
    words: values.name === undefined ? words : [...words, values.name],
    exactName: values.exact_name ?? null,
    deprecated: booleanOf("deprecated", values.deprecated) ?? null,
  });
  return templateViews(sql, rows);
}

const targetTemplate = async (sql: Queryable, id: string) => orNotFound(await findTemplate(sql, id));

async function viewOf(sql: Queryable, row: TemplateRow | undefined): Promise<Template> {
  const [view] = await templateViews(sql, [orNotFound(row)]);
  return orNotFound(view);
}

/** A version that may become a template's active one. @throws Problem 400 */
async function usableVersion(sql: Queryable, id: string, field: string, templateId: string | null) {
  const version = await findVersion(sql, id);
  if (version === undefined) throw invalid(field, "There is no such template version.");
  if (version.template_id !== templateId) throw invalid(field, "It is a version of another template.");
  if (version.archived) throw invalid(field, "This version is archived.");
  if (!version.imported) throw invalid(field, "Only a version whose import has succeeded can be used.");
  return version;
}

export const templateHandlers: readonly Handled[] = [
  on(routes.listTemplates, ({ sql, query }) => search(sql, query.q, null)),
  on(routes.listOrganizationTemplates, async ({ sql, params, query }) => {
    const organization = await targetOrganization(sql, params.organization);
    return search(sql, query.q, organization.id);
  }),
  on(routes.createTemplate, async ({ sql, params, body, caller, change }) => {
    const organization = await targetOrganization(sql, params.organization);
    const version = await usableVersion(sql, body.template_version_id, "template_version_id", null);
    return change(async (transaction, say) => {
      const id = await insertTemplate(transaction, {
        organizationId: organization.id,
        name: body.name,
        displayName: body.display_name ?? "",
        description: body.description ?? "",
        icon: body.icon ?? "",
        provisioner: version.provisioner,
        versionId: version.id,
        settings: settingsOf(body),
        createdBy: caller.userId,
      });
      say({ resourceId: id, organizationId: organization.id, diff: { ...body } });
      return viewOf(transaction, await findTemplate(transaction, id));
    });
  }),
  on(routes.getTemplateByName, async ({ sql, params }) => {
    const organization = await targetOrganization(sql, params.organization);
    return viewOf(sql, await findTemplateByName(sql, organization.id, params.name));
  }),
  on(routes.getTemplate, async ({ sql, params }) => viewOf(sql, await findTemplate(sql, params.template))),
  on(routes.updateTemplate, async ({ sql, params, body, change }) => {
    const template = await targetTemplate(sql, params.template);
    return change(async (transaction, say) => {
      await updateTemplate(transaction, template.id, {
        name: body.name,
        displayName: body.display_name,
        description: body.description,
        icon: body.icon,
        deprecationMessage: body.deprecation_message,
        settings: settingsOf(body),
      });
      say({ resourceId: template.id, organizationId: template.organization_id, diff: { ...body } });
      return viewOf(transaction, await findTemplate(transaction, template.id));
    });
  }),
  on(routes.deleteTemplate, async ({ sql, params, change }) => {
    const template = await targetTemplate(sql, params.template);
    return change(async (transaction, say) => {
      if (!(await deleteTemplate(transaction, template.id)))
        throw new Problem(400, "The template still has workspaces: delete them first.");
      say({
        resourceId: template.id,
        organizationId: template.organization_id,
        diff: { name: template.name },
      });
      return { message: "Template has been deleted!" };
    });
  }),
  on(routes.listTemplateVersions, async ({ sql, params, query }) => {
    const template = await targetTemplate(sql, params.template);
    const page = { ...pageOf(query), archived: query.include_archived ?? false };
    const rows = await listVersions(sql, template.id, page);
    return versionViews(sql, rows);
  }),
  on(routes.setActiveTemplateVersion, async ({ sql, params, body, change }) => {
    const template = await targetTemplate(sql, params.template);
    const version = await usableVersion(sql, body.id, "id", template.id);
    return change(async (transaction, say) => {
      await setActiveVersion(transaction, template.id, version.id);
      say({
        resourceId: template.id,
        organizationId: template.organization_id,
        diff: { active_version_id: version.id },
      });
      return { message: "Updated the active template version!" };
    });
  }),
];

interface Settings {
  readonly allow_user_cancel_workspace_jobs?: boolean;
  readonly require_active_version?: boolean;
}

function settingsOf({ allow_user_cancel_workspace_jobs, require_active_version }: Settings): Settings {
  return {
    ...(allow_user_cancel_workspace_jobs !== undefined && { allow_user_cancel_workspace_jobs }),
    ...(require_active_version !== undefined && { require_active_version }),
  };
}
