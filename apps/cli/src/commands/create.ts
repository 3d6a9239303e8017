import { type HttpClient, routes, type Template, type TemplateVersionParameter } from "@berth/http-api";
import { CodedError } from "@berth/std";
import { type Command, Option } from "commander";
import { showBuild } from "../builds.ts";
import { type CliContext, contextOf } from "../cli-context.ts";
import { offerCancel } from "../offer-cancel.ts";
import { type Pair, pairsOption } from "../repeatable.ts";
import { switchOption } from "../switches.ts";
import { parseWorkspaceName } from "../workspace-name.ts";
import { demandTemplate } from "./templates.ts";
import { demandConsent } from "./workspaces.ts";

interface CreateOptions {
  readonly template?: string;
  readonly parameter: readonly Pair[];
  readonly parameterDefault: readonly Pair[];
  readonly useParameterDefaults?: boolean;
  readonly wait: boolean;
  readonly yes?: boolean;
}

/** `create`. */
export function addCreate(program: Command): void {
  program
    .command("create [workspace]")
    .description("make a workspace from a template and start it")
    .addOption(new Option("-t, --template <name>", "the template").env("CODER_TEMPLATE_NAME"))
    .addOption(pairsOption("--parameter <name=value>", "a parameter of the template"))
    .addOption(pairsOption("--parameter-default <name=value>", "used where a parameter has no value"))
    .option("--use-parameter-defaults", "take every default without asking")
    .addOption(switchOption("--no-wait", "CODER_CREATE_NO_WAIT", "return before it is built"))
    .option("-y, --yes", "do not ask")
    .action(async (name: string | undefined, options: CreateOptions, command: Command) =>
      create(contextOf(command), name, options),
    );
}

async function create(context: CliContext, given: string | undefined, options: CreateOptions): Promise<void> {
  const { terminal } = context;
  const { client } = await context.logIn();
  const typed = given ?? (await terminal.ask("Name of the workspace"));
  const name = parseWorkspaceName(typed);
  if (name.agent !== undefined)
    throw new CodedError(
      "invalid_argument",
      `"${typed}" names an agent: give <workspace> or <owner>/<workspace>`,
    );
  const template = await chooseTemplate(context, client, options.template);
  const rich_parameter_values = await answerParameters(context, client, template, options);
  if (!(await demandConsent(terminal, options.yes, `Create ${name.workspace} from ${template.name}?`, true)))
    return;
  const workspace = await client.call(routes.createWorkspace, {
    params: { user: name.owner },
    body: { name: name.workspace, template_id: template.id, rich_parameter_values },
  });
  if (!options.wait) {
    terminal.say(`${workspace.name} is being built: berth logs -f ${workspace.name}`);
    return;
  }
  await offerCancel(context, client, workspace.latest_build, (signal) =>
    showBuild(terminal, client, workspace.latest_build, signal),
  );
  terminal.say(`${workspace.name} is ready: berth ssh ${workspace.name}`);
}

async function chooseTemplate(
  context: CliContext,
  client: HttpClient,
  name: string | undefined,
): Promise<Template> {
  if (name !== undefined) return demandTemplate(client, name);
  const all = await client.call(routes.listTemplates, {});
  const [only] = all;
  if (only === undefined)
    throw new CodedError(
      "failed_precondition",
      "there is no template yet: berth templates init, then berth templates push",
    );
  if (!context.terminal.asksPeople) {
    if (all.length === 1) return only;
    throw new CodedError(
      "invalid_argument",
      `say which template: --template ${all.map((each) => each.name).join("|")}`,
    );
  }
  const id = await context.terminal.choose(
    "Which template?",
    all.map((each) => ({
      name: each.display_name || each.name,
      value: each.id,
      description: each.description,
    })),
  );
  return all.find((each) => each.id === id) ?? only;
}

/** What the template asks: given values, then questions, then defaults. @throws CodedError naming what is missing. */
async function answerParameters(
  { terminal }: CliContext,
  client: HttpClient,
  template: Template,
  { parameter, parameterDefault, useParameterDefaults, yes }: CreateOptions,
): Promise<Pair[]> {
  const declared = await client.call(routes.listTemplateVersionParameters, {
    params: { version: template.active_version_id },
  });
  const unknown = parameter.filter(({ name }) => !declared.some((each) => each.name === name));
  if (unknown.length > 0)
    throw new CodedError(
      "invalid_argument",
      `${template.name} has no parameter ${unknown.map(({ name }) => `"${name}"`).join(", ")}: it has ${declared.map(({ name }) => name).join(", ") || "none"}`,
    );
  const answers: Pair[] = [...parameter];
  for (const each of declared.filter(({ name }) => !parameter.some((given) => given.name === name))) {
    const fallback = parameterDefault.find(({ name }) => name === each.name)?.value ?? each.default_value;
    const needed = each.required && fallback === "";
    if (needed && !terminal.asksPeople)
      throw new CodedError(
        "invalid_argument",
        `parameter "${each.name}" is required: give --parameter ${each.name}=<value>`,
      );
    if (terminal.asksPeople && (needed || (useParameterDefaults !== true && yes !== true)))
      answers.push({ name: each.name, value: await askParameter(terminal, each, fallback) });
    else if (fallback !== each.default_value) answers.push({ name: each.name, value: fallback });
  }
  return answers;
}

async function askParameter(
  terminal: CliContext["terminal"],
  { name, display_name, description_plaintext, options }: TemplateVersionParameter,
  fallback: string,
): Promise<string> {
  const question = [
    display_name === undefined || display_name === "" ? name : display_name,
    description_plaintext,
  ]
    .filter((part) => part !== "")
    .join(": ");
  if (options.length === 0) return terminal.ask(question, fallback === "" ? undefined : fallback);
  return terminal.choose(
    question,
    options.map((option) => ({ name: option.name, value: option.value, description: option.description })),
    fallback,
  );
}
