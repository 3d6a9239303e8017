import { route } from "../route.ts";
import { id, list, object } from "../shape.ts";
import { logQuery } from "../jobs/shapes.ts";
import {
  AgentConnection,
  ConnectAgent,
  ConnectionSettings,
  WorkspaceAgent,
  WorkspaceAgentLog,
} from "./shapes.ts";

const tag = "Agents";
const params = object({ agent: id() });

/** Agents of workspaces. */
export const agentRoutes = {
  getConnectionSettings: route({
    id: "getConnectionSettings",
    method: "GET",
    path: "/api/v2/workspaceagents/connection",
    summary: "How clients reach agents in general",
    tag,
    permission: "authenticated",
    status: 200,
    response: ConnectionSettings,
  }),
  getWorkspaceAgent: route({
    id: "getWorkspaceAgent",
    method: "GET",
    path: "/api/v2/workspaceagents/{agent}",
    summary: "One agent",
    tag,
    permission: "workspaces:read",
    params,
    status: 200,
    response: WorkspaceAgent,
  }),
  listWorkspaceAgentLogs: route({
    id: "listWorkspaceAgentLogs",
    method: "GET",
    path: "/api/v2/workspaceagents/{agent}/logs",
    summary: "The log of an agent's scripts; with follow=true over WebSocket, an array per message",
    tag,
    permission: "workspaces:read",
    params,
    query: logQuery,
    status: 200,
    response: list(WorkspaceAgentLog),
    stream: "follow",
  }),
  getWorkspaceAgentConnection: route({
    id: "getWorkspaceAgentConnection",
    method: "GET",
    path: "/api/v2/workspaceagents/{agent}/connection",
    summary: "How clients reach this agent",
    tag,
    permission: "workspaces:read",
    params,
    status: 200,
    response: ConnectionSettings,
  }),
  connectWorkspaceAgent: route({
    id: "connectWorkspaceAgent",
    method: "POST",
    path: "/api/v2/workspaceagents/{agent}/connection",
    summary: "A ticket for the caller's key, and the keys of the agent",
    tag,
    permission: "workspaces:operate",
    params,
    body: ConnectAgent,
    status: 200,
    response: AgentConnection,
    audit: { action: "connect", resource: "workspace_agent" },
  }),
} as const;
