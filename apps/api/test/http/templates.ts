import { randomUUID } from "node:crypto";
import { routes, type HttpClient, type TemplateVersionParameter } from "@berth/http-api";
import type { Database } from "@berth/database";
import { pack } from "tar-stream";

/** A tar archive of these files. */
export async function archive(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function upload(client: HttpClient, files: Readonly<Record<string, string>>): Promise<string> {
  const body = await archive(files);
  return (await client.call(routes.uploadFile, { body, contentType: "application/x-tar" })).hash;
}

const MAIN = { "main.tf": 'resource "terraform_data" "home" {}\n', "README.md": "# Home\n" };

/** Posts a version; it waits for a daemon. */
export async function postVersion(
  client: HttpClient,
  options: { templateId?: string; files?: Record<string, string> } = {},
) {
  const file_id = await upload(client, { ...MAIN, ...options.files });
  return client.call(routes.createTemplateVersion, {
    params: { organization: "default" },
    body: {
      storage_method: "file",
      file_id,
      provisioner: "terraform",
      ...(options.templateId !== undefined && { template_id: options.templateId }),
    },
  });
}

/** What a daemon writes when an import or a build has succeeded, without a daemon. */
export async function finishJob(database: Database, jobId: string): Promise<void> {
  await database.sql`
    update api.job set started_at = now(), accepted_at = now(), completed_at = now(), attempt = 1 where id = ${jobId}`;
  await database.sql`update api.workspace_build set unfinished = false where job_id = ${jobId}`;
}

/** A template whose import has succeeded, with these parameters. */
export async function makeTemplate(
  client: HttpClient,
  database: Database,
  options: { files?: Record<string, string>; parameters?: Partial<TemplateVersionParameter>[] } = {},
) {
  const version = await postVersion(client, options);
  await finishJob(database, version.job.id);
  for (const [position, parameter] of (options.parameters ?? []).entries())
    await database.sql`
      insert into api.template_version_parameter (template_version_id, position, name, parameter)
      values (${version.id}, ${position}, ${parameter.name ?? ""}, ${JSON.stringify({ ...PARAMETER, ...parameter })}::text::jsonb)`;
  return client.call(routes.createTemplate, {
    params: { organization: "default" },
    body: { name: `t-${randomUUID().slice(0, 8)}`, template_version_id: version.id },
  });
}

const PARAMETER: TemplateVersionParameter = {
  name: "",
  display_name: "",
  description: "",
  description_plaintext: "",
  type: "string",
  form_type: "input",
  mutable: true,
  default_value: "",
  icon: "",
  options: [],
  required: false,
  ephemeral: false,
};
