import { type HttpClient, routes, type Workspace, type WorkspaceAgent } from "@berth/http-api";
import { CodedError, isUuid } from "@berth/std";
import { orNotFound } from "./not-found.ts";
import type { WorkspaceName } from "./workspace-name.ts";

/** The workspace that was named. @throws CodedError not_found, naming it. */
export async function findWorkspace(
  client: HttpClient,
  { owner, workspace }: WorkspaceName,
): Promise<Workspace> {
  const name = owner === "me" ? workspace : `${owner}/${workspace}`;
  return orNotFound(
    isUuid(workspace)
      ? client.call(routes.getWorkspace, { params: { workspace } })
      : client.call(routes.getWorkspaceByName, { params: { user: owner, name: workspace } }),
    `there is no workspace "${name}": see \`berth list\``,
  );
}

/** The agents of a workspace's latest build. */
export function agentsOf(workspace: Workspace): WorkspaceAgent[] {
  return workspace.latest_build.resources.flatMap((resource) => resource.agents ?? []);
}

/** The agent that was named, or the only one. @throws CodedError naming the agents there are. */
export function pickAgent(workspace: Workspace, wanted: string | undefined): WorkspaceAgent {
  const agents = agentsOf(workspace);
  const fitting = agents.filter(
    ({ name }) => wanted === undefined || name.toLowerCase() === wanted.toLowerCase(),
  );
  const [agent] = fitting;
  const names = agents.map(({ name }) => `${workspace.name}.${name}`).join(", ");
  if (agent === undefined)
    throw new CodedError(
      "not_found",
      names === ""
        ? `${workspace.name} has no agent: its template declares no coder_agent`
        : `${workspace.name} has no agent "${wanted ?? ""}": it has ${names}`,
    );
  if (fitting.length > 1)
    throw new CodedError("invalid_argument", `${workspace.name} has several agents: say which: ${names}`);
  return agent;
}
