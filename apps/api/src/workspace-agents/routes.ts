import { routes, type ConnectionSettings } from "@berth/http-api";
import { issueSessionTicket } from "../agents/tickets.ts";
import { on, type Asking, type Handled } from "../http/handler.ts";
import { Problem, orNotFound } from "../http/problem.ts";
import { ownerWithin } from "../identity/caller.ts";
import { readAgentLog } from "../logs/agent-log.ts";
import type { Plane } from "../plane.ts";
import { agentViews } from "../resources/read-resources.ts";
import { type AgentRow, findAgentRow } from "../resources/rows.ts";

/** The agent that a path names, if the caller may do this to its workspace. @throws Problem 404 */
async function targetAgent({ sql, caller, scope }: Asking, id: string): Promise<AgentRow> {
  return orNotFound(await findAgentRow(sql, id, ownerWithin(caller, scope)));
}

export const workspaceAgentHandlers = (plane: Plane): readonly Handled[] => {
  const settings: ConnectionSettings = {
    derp_map: plane.derpMap,
    derp_force_websockets: plane.config.derpForceWebSockets,
    disable_direct_connections: plane.config.blockDirect,
    hostname_suffix: plane.config.hostnameSuffix,
  };
  return [
    on(routes.getConnectionSettings, () => Promise.resolve(settings)),
    on(routes.getWorkspaceAgent, async (request) => {
      const agent = await targetAgent(request, request.params.agent);
      const [view] = await agentViews(request.sql, plane.derpMap, [agent]);
      return orNotFound(view);
    }),
    on(routes.listWorkspaceAgentLogs, async (request) => {
      const agent = await targetAgent(request, request.params.agent);
      return readAgentLog(request.sql, agent.id, request.query);
    }),
    on(routes.getWorkspaceAgentConnection, async (request) => {
      const agent = await targetAgent(request, request.params.agent);
      return { ...settings, ...(agent.ssh_host_key !== "" && { ssh_host_key: agent.ssh_host_key }) };
    }),
    on(routes.connectWorkspaceAgent, async (request) => {
      const agent = await targetAgent(request, request.params.agent);
      const { public_key: agentKey, workspace_id: workspaceId } = agent;
      if (agent.revoked_at !== null) throw new Problem(409, "The workspace of this agent is not running.");
      if (agentKey === null || workspaceId === null)
        throw new Problem(409, "The agent has not connected yet.");
      const { token, claims } = issueSessionTicket(plane, {
        agentId: agent.id,
        agentKey,
        userId: request.caller.userId,
        clientPublicKey: request.body.client_public_key,
      });
      await request.change((_, say) => {
        say({ resourceId: agent.id, diff: { ticket_id: claims.ticketId } });
        return Promise.resolve();
      });
      return {
        ...settings,
        agent_id: agent.id,
        agent_name: agent.name,
        workspace_id: workspaceId,
        agent_public_key: agentKey.toString("hex"),
        ssh_host_key: agent.ssh_host_key,
        ticket: token,
        start_before: new Date(claims.startBefore).toISOString(),
        relay_until: new Date(claims.relayUntil).toISOString(),
      };
    }),
  ];
};
