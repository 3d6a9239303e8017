import { Command } from "commander";
import { CodedError } from "@berth/std";
import { addCompletion } from "./commands/completion.ts";
import { addConfigSsh } from "./commands/config-ssh.ts";
import { addCreate } from "./commands/create.ts";
import { addKnownHost } from "./commands/known-host.ts";
import { addLogin } from "./commands/login.ts";
import { addLogs } from "./commands/logs.ts";
import { addProvisioner } from "./commands/provisioner.ts";
import { addReplicas } from "./commands/replicas.ts";
import { addSsh } from "./commands/ssh.ts";
import { addTemplates } from "./commands/templates.ts";
import { addTokens } from "./commands/tokens.ts";
import { addTransitions } from "./commands/transitions.ts";
import { addUsers } from "./commands/users.ts";
import { addVersion } from "./commands/version.ts";
import { addWorkspaces } from "./commands/workspaces.ts";
import { addGlobals } from "./globals.ts";

/** The whole command line. Nothing runs until it is parsed. */
export function buildProgram(): Command {
  const program = addGlobals(new Command("berth"))
    .description("Remote development workspaces that stay up when their control plane's parts do not")
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true, sortSubcommands: true })
    .helpCommand("help [command]", "help for a command");
  for (const add of [
    addLogin,
    addUsers,
    addTokens,
    addTemplates,
    addCreate,
    addWorkspaces,
    addTransitions,
    addLogs,
    addSsh,
    addConfigSsh,
    addKnownHost,
    addProvisioner,
    addReplicas,
    addCompletion,
    addVersion,
  ])
    add(program);
  const provisioner = program.commands.find((command) => command.name() === "provisioner") ?? program;
  addStarted(program, "server", "the control plane: everything in one process");
  addStarted(program, "agent", "what runs inside a workspace");
  addStarted(provisioner, "start", "a daemon that runs builds");
  return program;
}

/** A program of its own, which `berth` starts before the command line is read: here for --help, completion and suggestions. */
function addStarted(parent: Command, name: string, what: string): void {
  parent
    .command(name)
    .description(`${what}; its own --help lists its options`)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new CodedError("unimplemented", `${name} is started by the program \`berth\``);
    });
}
