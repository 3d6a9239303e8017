import { routes, type Transition } from "@berth/http-api";
import { type Command, Option } from "commander";
import { showBuild } from "../builds.ts";
import { contextOf } from "../cli-context.ts";
import { offerCancel } from "../offer-cancel.ts";
import { addGivenOptions, type GivenOptions, readGiven } from "../parameters/given.ts";
import { parseWorkspaceName } from "../workspace-name.ts";
import { findWorkspace } from "../workspaces.ts";
import { demandConsent } from "./workspaces.ts";

interface TransitionOptions extends Partial<GivenOptions> {
  readonly yes?: boolean;
  readonly wait?: boolean;
  readonly reason?: "cli" | "vscode_connection" | "jetbrains_connection" | "ssh_connection" | "dashboard";
}

/** `start`, `stop`, `delete`. */
export function addTransitions(program: Command): void {
  const reason = () =>
    new Option("--reason <reason>", "why")
      .choices(["cli", "dashboard", "ssh_connection", "vscode_connection", "jetbrains_connection"])
      .hideHelp();
  addGivenOptions(program.command("start <workspace>").description("start a workspace"), "change a parameter")
    .option("--no-wait", "return before it is built")
    .option("-y, --yes", "do not ask")
    .addOption(reason())
    .action(transition("start", "is ready"));
  program
    .command("stop <workspace>")
    .description("stop a workspace; what its template keeps stays")
    .option("-y, --yes", "do not ask")
    .addOption(reason())
    .action(transition("stop", "is stopped"));
  program
    .command("delete <workspace>")
    .alias("rm")
    .description("delete a workspace and everything of it")
    .option("-y, --yes", "do not ask")
    .action(transition("delete", "is deleted"));
}

function transition(kind: Transition, done: string) {
  return async (typed: string, options: TransitionOptions, command: Command): Promise<void> => {
    const context = contextOf(command);
    const { terminal } = context;
    const given = await readGiven(options);
    const { client } = await context.logIn();
    const workspace = await findWorkspace(client, parseWorkspaceName(typed));
    if (kind === "start" && workspace.latest_build.status === "running") {
      const kept = given.length === 0 ? "" : `, with the parameters it had: stop it first to change them`;
      terminal.say(`${workspace.name} runs already${kept}`);
      return;
    }
    const question = `${kind === "delete" ? "Delete" : "Stop"} ${workspace.name}?`;
    if (kind !== "start" && !(await demandConsent(terminal, options.yes, question, kind !== "delete")))
      return;
    const build = await client.call(routes.createWorkspaceBuild, {
      params: { workspace: workspace.id },
      body: {
        transition: kind,
        reason: options.reason ?? "cli",
        ...(given.length === 0 ? {} : { rich_parameter_values: given }),
      },
    });
    if (options.wait === false) return;
    await offerCancel(context, client, build, (signal) => showBuild(terminal, client, build, signal));
    terminal.say(`${workspace.name} ${done}`);
  };
}
