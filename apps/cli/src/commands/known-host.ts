import { routes } from "@berth/http-api";
import type { Command } from "commander";
import { contextOf } from "../cli-context.ts";
import { parseWorkspaceName } from "../workspace-name.ts";
import { findWorkspace, pickAgent } from "../workspaces.ts";

interface KnownHostOptions {
  readonly sshHostPrefix?: string;
  readonly hostnameSuffix?: string;
}

/**
 * `ssh-known-host <why> <host>`: what config-ssh gives ssh as KnownHostsCommand. Asked for the order of algorithms (`%I` is
 * ORDER) it answers nothing, since every agent has an ed25519 key; asked for a host it answers that agent's key.
 */
export function addKnownHost(program: Command): void {
  program
    .command("ssh-known-host <why> <host>", { hidden: true })
    .option("--ssh-host-prefix <prefix>")
    .option("--hostname-suffix <suffix>")
    .action(async (why: string, host: string, options: KnownHostOptions, command: Command) => {
      if (why === "ORDER") return;
      const { terminal, ...context } = contextOf(command);
      const { client } = await context.logIn();
      const name = parseWorkspaceName(host, {
        ...(options.sshHostPrefix === undefined ? {} : { prefix: options.sshHostPrefix }),
        ...(options.hostnameSuffix === undefined ? {} : { suffix: options.hostnameSuffix }),
      });
      const agent = pickAgent(await findWorkspace(client, name), name.agent);
      const { ssh_host_key } = await client.call(routes.getWorkspaceAgentConnection, {
        params: { agent: agent.id },
      });
      if (ssh_host_key !== undefined && ssh_host_key !== "") terminal.print(`${host} ${ssh_host_key}`);
    });
}
