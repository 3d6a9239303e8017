import { Response } from "../error.ts";
import { route } from "../route.ts";
import { id, list, object, optional, pagination, pastTime } from "../shape.ts";
import { WorkspaceResource } from "../agents/shapes.ts";
import { ProvisionerJobLog, logQuery } from "../jobs/shapes.ts";
import { CreateWorkspaceBuild, WorkspaceBuild, WorkspaceBuildParameter } from "./shapes.ts";

const tag = "Builds";
const params = object({ build: id() });
const ofWorkspace = object({ workspace: id() });

/** Builds of workspaces. */
export const buildRoutes = {
  listWorkspaceBuilds: route({
    id: "listWorkspaceBuilds",
    method: "GET",
    path: "/api/v2/workspaces/{workspace}/builds",
    summary: "Builds of a workspace, newest first",
    tag,
    permission: "workspaces:read",
    params: ofWorkspace,
    query: object({ ...pagination, since: optional(pastTime()) }),
    status: 200,
    response: list(WorkspaceBuild),
  }),
  createWorkspaceBuild: route({
    id: "createWorkspaceBuild",
    method: "POST",
    path: "/api/v2/workspaces/{workspace}/builds",
    summary: "Start, stop or delete a workspace",
    tag,
    permission: "workspaces:update",
    params: ofWorkspace,
    body: CreateWorkspaceBuild,
    status: 201,
    response: WorkspaceBuild,
    audit: { action: "build", resource: "workspace_build" },
  }),
  getWorkspaceBuild: route({
    id: "getWorkspaceBuild",
    method: "GET",
    path: "/api/v2/workspacebuilds/{build}",
    summary: "One build",
    tag,
    permission: "workspaces:read",
    params,
    status: 200,
    response: WorkspaceBuild,
  }),
  cancelWorkspaceBuild: route({
    id: "cancelWorkspaceBuild",
    method: "PATCH",
    path: "/api/v2/workspacebuilds/{build}/cancel",
    summary: "Cancel a build; what was created by then is kept",
    tag,
    permission: "workspaces:update",
    params,
    status: 200,
    response: Response,
    audit: { action: "cancel", resource: "workspace_build" },
  }),
  listWorkspaceBuildParameters: route({
    id: "listWorkspaceBuildParameters",
    method: "GET",
    path: "/api/v2/workspacebuilds/{build}/parameters",
    summary: "The parameter values of a build",
    tag,
    permission: "workspaces:read",
    params,
    status: 200,
    response: list(WorkspaceBuildParameter),
  }),
  listWorkspaceBuildResources: route({
    id: "listWorkspaceBuildResources",
    method: "GET",
    path: "/api/v2/workspacebuilds/{build}/resources",
    summary: "What a build made",
    tag,
    permission: "workspaces:read",
    params,
    status: 200,
    response: list(WorkspaceResource),
  }),
  listWorkspaceBuildLogs: route({
    id: "listWorkspaceBuildLogs",
    method: "GET",
    path: "/api/v2/workspacebuilds/{build}/logs",
    summary: "The log of a build; with follow=true over WebSocket until it ends",
    tag,
    permission: "workspaces:read",
    params,
    query: logQuery,
    status: 200,
    response: list(ProvisionerJobLog),
    stream: "follow",
  }),
  downloadWorkspaceBuildState: route({
    id: "downloadWorkspaceBuildState",
    method: "GET",
    path: "/api/v2/workspacebuilds/{build}/state",
    summary: "The Terraform state after a build; for template admins, as states hold secrets",
    tag,
    permission: "templates:update",
    params,
    status: 200,
    stream: "bytes",
  }),
} as const;
