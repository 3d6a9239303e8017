import {
  type HttpClient,
  type ProvisionerJobLog,
  routes,
  type Workspace,
  type WorkspaceAgentLog,
  type WorkspaceBuild,
} from "@berth/http-api";
import { CodedError } from "@berth/std";
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
    .option("-n, --build-number <number>", "another build than the latest")
    .action(async (typed: string, options: { follow?: boolean; buildNumber?: string }, command: Command) => {
      const { terminal, ...context } = contextOf(command);
      const { client } = await context.logIn();
      const name = parseWorkspaceName(typed);
      const workspace = await findWorkspace(client, name);
      const build = await pickBuild(client, workspace, options.buildNumber);
      const params = { build: build.id };
      const printLine = (line: ProvisionerJobLog) =>
        terminal.print(
          `${line.created_at} [${line.log_level}] ${[line.stage, line.output].filter(Boolean).join(": ")}`,
        );
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

async function pickBuild(
  client: HttpClient,
  workspace: Workspace,
  number: string | undefined,
): Promise<WorkspaceBuild> {
  const { name, latest_build: latest } = workspace;
  if (number === undefined) return latest;
  const all = await client.call(routes.listWorkspaceBuilds, { params: { workspace: workspace.id } });
  const build = all.find((each) => String(each.build_number) === number);
  if (build !== undefined) return build;
  throw new CodedError("not_found", `${name} has no build "${number}": its latest is ${latest.build_number}`);
}
