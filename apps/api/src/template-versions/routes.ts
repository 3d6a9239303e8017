import { randomUUID } from "node:crypto";
import { routes } from "@berth/http-api";
import type { Queryable } from "@berth/database";
import { readArchive } from "../files/archive.ts";
import { findFile } from "../files/store.ts";
import { on, type Handled } from "../http/handler.ts";
import { invalid, orNotFound } from "../http/problem.ts";
import { answerCancel } from "../builds/cancel.ts";
import { cancel } from "../jobs/cancel.ts";
import { enqueue } from "../jobs/enqueue.ts";
import { readJobLog, storable } from "../logs/job-log.ts";
import { targetOrganization } from "../organizations/store.ts";
import type { Plane } from "../plane.ts";
import { readResources } from "../resources/read-resources.ts";
import { findTemplate } from "../templates/store.ts";
import { findVersion, insertVersion, listParameters, listVariables } from "./store.ts";
import { versionViews } from "./view.ts";

const targetVersion = async (sql: Queryable, id: string) => orNotFound(await findVersion(sql, id));

async function viewOf(sql: Queryable, id: string) {
  const [view] = await versionViews(sql, [await targetVersion(sql, id)]);
  return orNotFound(view);
}

export const templateVersionHandlers = ({ hints, derpMap }: Plane): readonly Handled[] => [
  on(routes.createTemplateVersion, async ({ sql, params, body, caller, change, traceparent }) => {
    const organization = await targetOrganization(sql, params.organization);
    const template = body.template_id === undefined ? undefined : await findTemplate(sql, body.template_id);
    if (body.template_id !== undefined && template?.organization_id !== organization.id)
      throw invalid("template_id", "There is no such template.");
    const file = await findFile(sql, body.file_id);
    if (file === undefined) throw invalid("file_id", "There is no such file.");
    const archive = await readArchive(file.content);
    return change(async (transaction, say) => {
      const [id, jobId] = [randomUUID(), randomUUID()];
      await enqueue(transaction, hints, {
        id: jobId,
        organizationId: organization.id,
        initiatorId: caller.userId,
        fileId: file.id,
        subject: {
          kind: "template_version_import",
          templateVersionId: id,
          variables: body.user_variable_values ?? [],
        },
        provisioner: body.provisioner,
        tags: body.tags ?? {},
        traceparent,
      });
      await insertVersion(transaction, {
        id,
        templateId: template?.id ?? null,
        organizationId: organization.id,
        jobId,
        name: body.name,
        message: body.message ?? "",
        readme: storable(archive.readme),
        runsOnMachine: archive.runsOnMachine,
        createdBy: caller.userId,
      });
      say({ resourceId: id, organizationId: organization.id, diff: { template_id: template?.id ?? null } });
      return viewOf(transaction, id);
    });
  }),
  on(routes.getTemplateVersion, ({ sql, params }) => viewOf(sql, params.version)),
  on(routes.cancelTemplateVersion, async ({ sql, params, change }) => {
    const version = await targetVersion(sql, params.version);
    return change(async (transaction, say) => {
      const outcome = await cancel(transaction, hints, version.job_id);
      say({ resourceId: version.id, organizationId: version.organization_id });
      return answerCancel(outcome);
    });
  }),
  on(routes.listTemplateVersionParameters, async ({ sql, params }) => {
    const version = await targetVersion(sql, params.version);
    return listParameters(sql, version.id);
  }),
  on(routes.listTemplateVersionVariables, async ({ sql, params }) => {
    const version = await targetVersion(sql, params.version);
    return listVariables(sql, version.id);
  }),
  on(routes.listTemplateVersionResources, async ({ sql, params }) => {
    const version = await targetVersion(sql, params.version);
    return (await readResources(sql, derpMap, [version.job_id])).get(version.job_id) ?? [];
  }),
  on(routes.listTemplateVersionLogs, async ({ sql, params, query }) => {
    const version = await targetVersion(sql, params.version);
    return readJobLog(sql, version.job_id, query);
  }),
];
