import type { provisioner } from "@berth/contract";
import type { TransactionSql } from "@berth/database";
import type { JobInput } from "../jobs/enqueue.ts";
import { publicParameter } from "./public-parameter.ts";
import { writeResources } from "./write-resources.ts";

/** Writes what an import found in a template: resources of both transitions, parameters, variables, readme. */
export async function completeImport(
  sql: TransactionSql,
  jobId: string,
  result: provisioner.TemplateImportResult,
): Promise<void> {
  const described = { jobId, workspaceId: null };
  await writeResources(sql, { ...described, transition: "start", resources: result.startResources });
  await writeResources(sql, { ...described, transition: "stop", resources: result.stopResources });
  const [version] = await sql<{ id: string }[]>`
    update api.template_version set readme = ${result.readme}, runs_on_machine = ${result.runsOnMachine}, updated_at = now()
    where job_id = ${jobId} returning id`;
  if (version === undefined) return; // the version was removed while it was imported: nobody will read the rest
  await writeParameters(sql, version.id, result.parameters);
  await writeVariables(sql, version.id, jobId, result.variables);
}

async function writeParameters(
  sql: TransactionSql,
  versionId: string,
  parameters: readonly provisioner.RichParameter[],
): Promise<void> {
  for (const [position, parameter] of parameters.entries())
    await sql`
      insert into api.template_version_parameter (template_version_id, position, name, parameter)
      values (${versionId}, ${position}, ${parameter.name}, ${JSON.stringify(publicParameter(parameter))}::text::jsonb)`;
}

async function writeVariables(
  sql: TransactionSql,
  versionId: string,
  jobId: string,
  variables: readonly provisioner.TemplateVariable[],
): Promise<void> {
  const [job] = await sql<{ input: JobInput }[]>`select input from api.job where id = ${jobId}`;
  const given = new Map((job?.input.variables ?? []).map(({ name, value }) => [name, value]));
  for (const variable of variables)
    await sql`
      insert into api.template_version_variable (template_version_id, name, description, type, default_value, value, required,
        sensitive)
      values (${versionId}, ${variable.name}, ${variable.description}, ${variable.type}, ${variable.defaultValue},
        ${given.get(variable.name) ?? variable.defaultValue}, ${variable.required}, ${variable.sensitive})`;
}
