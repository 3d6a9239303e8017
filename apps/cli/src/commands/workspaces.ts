import { routes, type Workspace } from "@berth/http-api";
import { CodedError } from "@berth/std";
import { type Command, Option } from "commander";
import { contextOf } from "../cli-context.ts";
import { addListOptions, type Columns, type ListOptions, outputOption, printList } from "../output.ts";
import { ago, table } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { parseWorkspaceName } from "../workspace-name.ts";
import { agentsOf, findWorkspace } from "../workspaces.ts";

const COLUMNS: Columns<Workspace> = {
  workspace: ({ owner_name, name }) => `${owner_name}/${name}`,
  template: ({ template_name }) => template_name,
  status: ({ latest_build }) => latest_build.status,
  healthy: ({ latest_build, health }) => (latest_build.transition === "start" ? String(health.healthy) : ""),
  "last built": ({ latest_build }) => ago(latest_build.created_at),
  "current version": ({ latest_build }) => latest_build.template_version_name,
  outdated: ({ outdated }) => String(outdated),
  favorite: ({ favorite }) => String(favorite),
  "organization id": ({ organization_id }) => organization_id,
  "organization name": ({ organization_name }) => organization_name,
};
const USUAL = ["workspace", "template", "status", "healthy", "last built", "current version", "outdated"];

interface ListWorkspacesOptions extends ListOptions {
  readonly all?: boolean;
  readonly search: string;
}

/** `list` and `show`. */
export function addWorkspaces(program: Command): void {
  addListOptions(program.command("list").alias("ls").description("list workspaces"), COLUMNS, USUAL)
    .option("-a, --all", "everybody's")
    .addOption(new Option("--search <filter>", "such as owner:me status:running").default("owner:me"))
    .action(async (options: ListWorkspacesOptions, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.logIn();
      const q = options.all === true && options.search === "owner:me" ? "" : options.search;
      const { workspaces } = await client.call(routes.listWorkspaces, { query: { q } });
      if (workspaces.length > 0 || options.output === "json")
        printList(context.terminal, options, workspaces, COLUMNS);
      else if (options.search === "owner:me")
        context.terminal.say("No workspaces yet. Make one: berth create <name>");
      else context.terminal.say(`No workspace fits --search "${options.search}"`);
    });
  program
    .command("show <workspace>")
    .description("what a workspace consists of, and its agents")
    .addOption(outputOption("table"))
    .action(async (typed: string, { output }: { output: string }, command: Command) => {
      const { terminal, ...context } = contextOf(command);
      const { client } = await context.logIn();
      const workspace = await findWorkspace(client, parseWorkspaceName(typed));
      terminal.print(output === "json" ? JSON.stringify(workspace, null, 2) : describe(workspace));
    });
}

function describe(workspace: Workspace): string {
  const { latest_build: build } = workspace;
  const agents = agentsOf(workspace);
  const facts = [
    `${workspace.owner_name}/${workspace.name}: ${build.status}`,
    `  template ${workspace.template_name}, version ${build.template_version_name}${workspace.outdated ? " (outdated)" : ""}`,
    `  build ${build.build_number} (${build.transition}) by ${build.initiator_name}, ${ago(build.created_at)}`,
    ...(build.job.error === undefined ? [] : [`  error: ${build.job.error}`]),
    ...(workspace.held === undefined
      ? []
      : [`  held until ${workspace.held.until}: ${workspace.held.reason}`]),
  ];
  const resources = table(
    ["resource", "agent", "status", "lifecycle", "access"],
    build.resources.flatMap((resource) => [
      [`${resource.type}.${resource.name}`, "", "", "", ""],
      ...(resource.agents ?? []).map((agent) => [
        "",
        `${agent.name} (${agent.operating_system}, ${agent.architecture})`,
        agent.status,
        agent.lifecycle_state,
        `berth ssh ${workspace.name}${agents.length > 1 ? `.${agent.name}` : ""}`,
      ]),
    ]),
  );
  return [...facts, "", resources].join("\n");
}

/** Refuses to go on without an answer: `--yes` is the one for scripts. `fallback` is what Enter says. */
export async function demandConsent(
  terminal: Terminal,
  yes: boolean | undefined,
  question: string,
  fallback: boolean,
): Promise<boolean> {
  if (yes === true) return true;
  if (!terminal.asksPeople)
    throw new CodedError("failed_precondition", `${question} There is no terminal to ask at: give --yes`);
  return terminal.askYesNo(question, fallback);
}
