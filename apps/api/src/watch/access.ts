import type { IncomingMessage } from "node:http";
import { CodedError, isUuid } from "@berth/std";
import type { Queryable } from "@berth/database";

/** Who follows. */
export interface Viewer {
  readonly userId: string;
  /** Whether other people's workspaces may be read too. */
  readonly readsEveryWorkspace: boolean;
}

/** What followers need of the HTTP side. */
export interface FollowerAccess {
  /** @throws CodedError unauthenticated and the like, as the request's plain answer would be */
  viewerOf(request: IncomingMessage): Promise<Viewer>;
  /** The whole public Workspace, deleted or not; undefined when it is gone altogether. */
  readWorkspace(workspaceId: string, viewer: Viewer): Promise<unknown>;
}

/** The one answer for what is not there and for what the viewer may not know of. */
export function notFound(): CodedError {
  return new CodedError("not_found", "Resource not found or you do not have access to this resource");
}

/** The workspace, if the viewer may read it. @throws CodedError not_found */
export async function demandWorkspace(sql: Queryable, viewer: Viewer, workspaceId: string): Promise<string> {
  const [row] = isUuid(workspaceId)
    ? await sql<{ owner_id: string }[]>`select owner_id from api.workspace where id = ${workspaceId}`
    : [];
  if (row === undefined || !(viewer.readsEveryWorkspace || row.owner_id === viewer.userId)) throw notFound();
  return workspaceId;
}

/** The job of a build of a workspace that the viewer may read. @throws CodedError not_found */
export async function demandBuildJob(sql: Queryable, viewer: Viewer, buildId: string): Promise<string> {
  const [row] = isUuid(buildId)
    ? await sql<{ job_id: string; workspace_id: string }[]>`
        select job_id, workspace_id from api.workspace_build where id = ${buildId}`
    : [];
  if (row === undefined) throw notFound();
  await demandWorkspace(sql, viewer, row.workspace_id);
  return row.job_id;
}

/** The job of a template version, which every member may read. @throws CodedError not_found */
export async function demandVersionJob(sql: Queryable, versionId: string): Promise<string> {
  const [row] = isUuid(versionId)
    ? await sql<{ job_id: string }[]>`select job_id from api.template_version where id = ${versionId}`
    : [];
  if (row === undefined) throw notFound();
  return row.job_id;
}

/** An agent of a workspace that the viewer may read. @throws CodedError not_found */
export async function demandAgent(sql: Queryable, viewer: Viewer, agentId: string): Promise<string> {
  const [row] = isUuid(agentId)
    ? await sql<{ workspace_id: string | null }[]>`
        select workspace_id from api.workspace_agent where id = ${agentId}`
    : [];
  if (row === undefined || row.workspace_id === null) throw notFound();
  await demandWorkspace(sql, viewer, row.workspace_id);
  return agentId;
}
