import { type ProvisionerJobLog, routes, type WorkspaceAgentLog } from "@berth/http-api";
import type { Command } from "commander";
import { contextOf } from "../cli-context.ts";
import { followLog } from "../follow-log.ts";
import { parseWorkspaceName } from "../workspace-name.ts";
import { agentsOf, findWorkspace } from "../workspaces.ts";

/** `logs`: the latest build, then what its agents' scripts said. */
export function addLogs(program: Command): void {
  program
    .command("logs <workspace>")
    .description("the log of the latest build and of its agents")
    .option("-f, --follow", "go on as it is written")
    .option("-n, --build-number <number>", "another build", Number)
    .action(async (typed: string, options: { follow?: boolean; buildNumber?: number }, command: Command) => {
      const { terminal, ...context } = contextOf(command);
      const { client } = await context.logIn();
      const name = parseWorkspaceName(typed);
      const workspace = await findWorkspace(client, name);
      const builds = await client.call(routes.listWorkspaceBuilds, { params: { workspace: workspace.id } });
      const build =
        builds.find((each) => each.build_number === options.buildNumber) ?? workspace.latest_build;
      const params = { build: build.id };
      const printLine = (line: ProvisionerJobLog) =>
        terminal.print(`${line.created_at} [${line.log_level}] ${line.stage}: ${line.output}`);
      if (options.follow === true)
        for await (const line of followLog<ProvisionerJobLog>(client, routes.listWorkspaceBuildLogs, {
          params,
        }))
          printLine(line);
      else (await client.call(routes.listWorkspaceBuildLogs, { params })).forEach(printLine);
      if (build.id !== workspace.latest_build.id) return;
      const agents = agentsOf(await findWorkspace(client, name));
      const printAgentLine = (agent: string) => (line: WorkspaceAgentLog) =>
        terminal.print(`${line.created_at} [${line.level}] agent.${agent}: ${line.output}`);
      await Promise.all(
        agents.map(async ({ id, name: agent }) => {
          const of = { params: { agent: id } };
          if (options.follow !== true)
            return (await client.call(routes.listWorkspaceAgentLogs, of)).forEach(printAgentLine(agent));
          for await (const line of followLog<WorkspaceAgentLog>(client, routes.listWorkspaceAgentLogs, of))
            printAgentLine(agent)(line);
        }),
      );
    });
}
