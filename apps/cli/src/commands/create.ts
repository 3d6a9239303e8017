import { type HttpClient, routes, type Template, type Workspace } from "@berth/http-api";
import { CodedError } from "@berth/std";
import { type Command, Option } from "commander";
import { showBuild } from "../builds.ts";
import { type CliContext, contextOf } from "../cli-context.ts";
import { offerCancel } from "../offer-cancel.ts";
import { answerParameters } from "../parameters/answer.ts";
import { addGivenOptions, type GivenOptions, readGiven } from "../parameters/given.ts";
import { type Pair, pairsOption } from "../repeatable.ts";
import { switchOption } from "../switches.ts";
import { parseWorkspaceName } from "../workspace-name.ts";
import { findWorkspace } from "../workspaces.ts";
import { demandTemplate, demandTemplateVersion } from "./templates.ts";
import { demandConsent } from "./workspaces.ts";

interface CreateOptions extends GivenOptions {
  readonly template?: string;
  readonly templateVersion?: string;
  readonly copyParametersFrom?: string;
  readonly automaticUpdates: "always" | "never";
  readonly parameterDefault: readonly Pair[];
  readonly useParameterDefaults?: boolean;
  readonly wait: boolean;
  readonly yes?: boolean;
}

/** `create`. */
export function addCreate(program: Command): void {
  const create = program
    .command("create [workspace]")
    .description("make a workspace from a template and start it")
    .addOption(new Option("-t, --template <name>", "the template").env("CODER_TEMPLATE_NAME"))
    .addOption(
      new Option("--template-version <name>", "another version of it than the active one").env(
        "CODER_TEMPLATE_VERSION",
      ),
    )
    .addOption(
      new Option(
        "--copy-parameters-from <workspace>",
        "make one like that: its template, version and parameters, where nothing else is given",
      ).env("CODER_WORKSPACE_COPY_PARAMETERS_FROM"),
    );
  addGivenOptions(create, "a parameter of the template")
    .addOption(
      pairsOption("--parameter-default <name=value>", "used where a parameter has no value").env(
        "CODER_RICH_PARAMETER_DEFAULT",
      ),
    )
    .option("--use-parameter-defaults", "take every default without asking")
    .addOption(
      new Option("--automatic-updates <when>", "whether each start takes the template's active version")
        .env("CODER_WORKSPACE_AUTOMATIC_UPDATES")
        .choices(["always", "never"])
        .default("never"),
    )
    .addOption(switchOption("--no-wait", "CODER_CREATE_NO_WAIT", "return before it is built"))
    .option("-y, --yes", "do not ask")
    .action(async (name: string | undefined, options: CreateOptions, command: Command) =>
      run(contextOf(command), name, options),
    );
}

async function run(context: CliContext, given: string | undefined, options: CreateOptions): Promise<void> {
  const { terminal } = context;
  const values = await readGiven(options);
  const { client } = await context.logIn();
  if (given === undefined && !terminal.asksPeople)
    throw new CodedError("invalid_argument", "say its name: berth create <workspace>");
  const typed = given ?? (await terminal.ask("Name of the workspace"));
  const name = parseWorkspaceName(typed);
  if (name.agent !== undefined)
    throw new CodedError(
      "invalid_argument",
      `"${typed}" names an agent: give <workspace> or <owner>/<workspace>`,
    );
  const plan = await choosePlan(context, client, options);
  const rich_parameter_values = await answer(context, client, plan, values, options);
  const what = `${plan.template.name}${plan.version === undefined ? "" : `, version ${plan.version.name}`}`;
  if (!(await demandConsent(terminal, options.yes, `Create ${name.workspace} from ${what}?`, true))) return;
  const workspace = await client.call(routes.createWorkspace, {
    params: { user: name.owner },
    body: {
      name: name.workspace,
      template_id: plan.template.id,
      ...(plan.version === undefined ? {} : { template_version_id: plan.version.id }),
      rich_parameter_values,
      automatic_updates: options.automaticUpdates,
    },
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

/** What a workspace is made of. */
interface Plan {
  readonly template: Template;
  /** Another than the active one. */
  readonly version: { readonly id: string; readonly name: string } | undefined;
  /** Whose parameters are copied. */
  readonly source: Workspace | undefined;
}

async function choosePlan(context: CliContext, client: HttpClient, options: CreateOptions): Promise<Plan> {
  const source =
    options.copyParametersFrom === undefined
      ? undefined
      : await findWorkspace(client, parseWorkspaceName(options.copyParametersFrom));
  const template = await chooseTemplate(context, client, options.template ?? source?.template_name);
  const version =
    options.templateVersion === undefined
      ? versionOf(source, template)
      : await demandTemplateVersion(client, template, options.templateVersion);
  return { template, version, source };
}

/** The version that a workspace was built with; none when the template demands the active one, or is another. */
function versionOf(source: Workspace | undefined, template: Template): Plan["version"] {
  if (source?.template_id !== template.id || source.template_require_active_version) return undefined;
  const { template_version_id: id, template_version_name: name } = source.latest_build;
  return { id, name };
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

async function answer(
  { terminal }: CliContext,
  client: HttpClient,
  { template, version, source }: Plan,
  given: readonly Pair[],
  options: CreateOptions,
): Promise<Pair[]> {
  const params = { version: version?.id ?? template.active_version_id };
  const build = source?.latest_build.id;
  return answerParameters(
    terminal,
    template.name,
    await client.call(routes.listTemplateVersionParameters, { params }),
    {
      given,
      copied:
        build === undefined
          ? []
          : await client.call(routes.listWorkspaceBuildParameters, { params: { build } }),
      defaults: options.parameterDefault,
      takesDefaults: options.useParameterDefaults === true || options.yes === true,
    },
  );
}
