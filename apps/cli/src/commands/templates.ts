import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { ApiError, type HttpClient, routes, type Template, type TemplateVersion } from "@berth/http-api";
import { CodedError } from "@berth/std";
import { type Command, Option } from "commander";
import { showJob } from "../builds.ts";
import { type CliContext, contextOf } from "../cli-context.ts";
import { addListOptions, type Columns, type ListOptions, printList } from "../output.ts";
import { type Pair, pairsOption } from "../repeatable.ts";
import { demandConsent } from "./workspaces.ts";
import { starterTemplates } from "../starter-templates/index.ts";
import { ago } from "../table.ts";
import { demandEmptyFolder, packTemplate } from "../template-archive.ts";

const ORGANIZATION = "default";

interface PushOptions {
  readonly directory: string;
  readonly name?: string;
  readonly message?: string;
  readonly activate: boolean;
  readonly provisionerTag: readonly Pair[];
  readonly variable: readonly Pair[];
  readonly yes?: boolean;
}

const COLUMNS: Columns<Template> = {
  name: ({ name }) => name,
  "last updated": ({ updated_at }) => ago(updated_at),
  "used by": ({ active_user_count }) => developers(Math.max(0, active_user_count)),
};
const developers = (count: number) => `${count} developer${count === 1 ? "" : "s"}`;

const versionColumns = (activeId: string): Columns<TemplateVersion> => ({
  name: ({ name }) => name,
  created: ({ created_at }) => ago(created_at),
  "created by": ({ created_by }) => created_by.username,
  status: ({ job }) => job.status,
  active: ({ id }) => (id === activeId ? "active" : ""),
});

/** `templates init | push | list | versions | delete`. */
export function addTemplates(program: Command): void {
  const templates = program.command("templates").alias("template").description("manage templates");
  templates
    .command("init [folder]")
    .description("write a starter template into a folder")
    .addOption(new Option("--id <id>", "which one").choices([...starterTemplates.keys()]))
    .action(async (folder: string | undefined, options: { id?: string }, command: Command) =>
      initialize(contextOf(command), folder, options.id),
    );
  templates
    .command("push [name]")
    .description("upload a template's folder as its new version, and make the template when there is none")
    .option("-d, --directory <folder>", "the template's folder", ".")
    .option("--name <version>", "name of the version; made up otherwise")
    .option("-m, --message <text>", "what changed")
    .addOption(new Option("--activate", "make it the active version").default(true, "yes"))
    .option("--no-activate", "leave the active version as it is")
    .addOption(pairsOption("--provisioner-tag <key=value>", "a tag of the daemons that build it"))
    .addOption(pairsOption("--var, --variable <name=value>", "a Terraform variable"))
    .option("-y, --yes", "do not ask")
    .action(async (name: string | undefined, options: PushOptions, command: Command) =>
      push(contextOf(command), name, options),
    );
  addListOptions(templates.command("list").alias("ls").description("list templates"), COLUMNS).action(
    async (options: ListOptions, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      printList(context.terminal, options, await client.call(routes.listTemplates, {}), COLUMNS);
    },
  );
  const versions = templates.command("versions").alias("version").description("versions of a template");
  addListOptions(
    versions.command("list <template>").alias("ls").description("list the versions of a template"),
    versionColumns(""),
  ).action(listVersions);
  templates
    .command("delete [name...]")
    .alias("rm")
    .description("delete templates that have no workspaces")
    .option("-y, --yes", "do not ask")
    .action(async (names: string[], options: { yes?: boolean }, command: Command) =>
      remove(contextOf(command), names, options.yes),
    );
}

async function initialize(
  { terminal }: CliContext,
  given: string | undefined,
  id: string | undefined,
): Promise<void> {
  const choices = [...starterTemplates].map(([value, { description }]) => ({
    name: value,
    value,
    description,
  }));
  if (id === undefined && !terminal.asksPeople)
    throw new CodedError(
      "invalid_argument",
      `say which starter template: --id ${[...starterTemplates.keys()].join("|")}`,
    );
  const chosen = id ?? (await terminal.choose("Which starter template?", choices));
  const folder = resolve(given ?? chosen);
  await demandEmptyFolder(folder);
  for (const [path, content] of Object.entries(starterTemplates.get(chosen)?.files ?? {})) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  terminal.say(
    `Wrote the template "${chosen}" into ${folder}\nPush it: berth templates push ${basename(folder)} --directory ${folder}`,
  );
}

async function push(context: CliContext, given: string | undefined, options: PushOptions): Promise<void> {
  const { terminal } = context;
  const folder = resolve(options.directory);
  const name = given ?? basename(folder);
  const bytes = await packTemplate(folder);
  const { client } = await context.logIn();
  const template = await findTemplate(client, name);
  if (!(await demandConsent(terminal, options.yes, `Push ${folder} as ${name}?`, true))) return;
  const version = await importVersion(context, client, bytes, template, options);
  if (template === undefined) {
    await client.call(routes.createTemplate, {
      params: { organization: ORGANIZATION },
      body: { name, template_version_id: version.id },
    });
    terminal.say(`Created template ${name}. Make a workspace: berth create <name> --template ${name}`);
    return;
  }
  if (options.activate)
    await client.call(routes.setActiveTemplateVersion, {
      params: { template: template.id },
      body: { id: version.id },
    });
  terminal.say(`Pushed version ${version.name} of ${name}${options.activate ? ", now active" : ""}`);
}

async function importVersion(
  { terminal }: CliContext,
  client: HttpClient,
  bytes: Buffer,
  template: Template | undefined,
  options: PushOptions,
): Promise<TemplateVersion> {
  const { hash } = await client.call(routes.uploadFile, { body: bytes, contentType: "application/x-tar" });
  const version = await client.call(routes.createTemplateVersion, {
    params: { organization: ORGANIZATION },
    body: {
      storage_method: "file",
      file_id: hash,
      provisioner: "terraform",
      tags: Object.fromEntries(options.provisionerTag.map(({ name, value }) => [name, value])),
      user_variable_values: [...options.variable],
      ...(template === undefined ? {} : { template_id: template.id }),
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.message === undefined ? {} : { message: options.message }),
    },
  });
  const params = { version: version.id };
  const read = () => client.call(routes.getTemplateVersion, { params });
  return showJob(
    terminal,
    client,
    { logs: routes.listTemplateVersionLogs, params, read },
    `import of ${version.name}`,
  );
}

async function findTemplate(client: HttpClient, name: string): Promise<Template | undefined> {
  try {
    return await client.call(routes.getTemplateByName, { params: { organization: ORGANIZATION, name } });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** The template of that name. @throws CodedError not_found with the mend. */
export async function demandTemplate(client: HttpClient, name: string): Promise<Template> {
  const template = await findTemplate(client, name);
  if (template === undefined)
    throw new CodedError("not_found", `there is no template "${name}": see \`berth templates list\``);
  return template;
}

/** The version of that name. @throws CodedError not_found with the mend. */
export async function demandTemplateVersion(
  client: HttpClient,
  { id, name: template }: Template,
  wanted: string,
): Promise<TemplateVersion> {
  const all = await client.call(routes.listTemplateVersions, { params: { template: id } });
  const version = all.find(({ name }) => name === wanted);
  if (version !== undefined) return version;
  throw new CodedError(
    "not_found",
    `${template} has no version "${wanted}": see \`berth templates versions list ${template}\``,
  );
}

async function listVersions(name: string, options: ListOptions, command: Command): Promise<void> {
  const context = contextOf(command);
  const { client } = await context.logIn();
  const template = await demandTemplate(client, name);
  const all = await client.call(routes.listTemplateVersions, { params: { template: template.id } });
  printList(context.terminal, options, all, versionColumns(template.active_version_id));
}

async function remove(
  { terminal, ...context }: CliContext,
  names: readonly string[],
  yes?: boolean,
): Promise<void> {
  const { client } = await context.logIn();
  if (names.length === 0)
    throw new CodedError("invalid_argument", "say which: berth templates delete <name>");
  for (const name of names) {
    const template = await demandTemplate(client, name);
    if (!(await demandConsent(terminal, yes, `Delete template ${name}?`, false))) continue;
    await client.call(routes.deleteTemplate, { params: { template: template.id } });
    terminal.say(`Deleted template ${name}`);
  }
}
