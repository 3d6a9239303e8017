import type { IncomingMessage } from "node:http";
import { type LogQuery, type Permission, type Route, logQuery, routes } from "@berth/http-api";
import { findBuild } from "../builds/store.ts";
import type { EdgeContext } from "../edge-context.ts";
import { orNotFound } from "../http/problem.ts";
import { validatorOf } from "../http/validate.ts";
import { followAgentLog, followJobLog } from "../logs/follow.ts";
import { findAgentRow } from "../resources/rows.ts";
import { findVersion } from "../template-versions/store.ts";
import { findWorkspace } from "../workspaces/store.ts";
import { watchMetadata, watchWorkspace, type WatchFrame } from "./frames.ts";

/** Who follows, and the only owner whose things they may: null is everybody's. */
export interface Viewer {
  readonly userId: string;
  readonly within: string | null;
}

/** What followers need of the HTTP side. */
export interface FollowerAccess {
  /** @throws Problem as the plain route would */
  admit(request: IncomingMessage, permission: Permission): Promise<Viewer>;
  /** The whole public Workspace, deleted or not; undefined when it is gone altogether. */
  readWorkspace(workspaceId: string, viewer: Viewer): Promise<unknown>;
}

/** What a follower is sent until it ends by itself: then there is nothing more to come, ever. */
export type Following<Sent> = (signal: AbortSignal) => AsyncIterable<Sent>;

interface Asked {
  readonly edge: EdgeContext;
  readonly access: FollowerAccess;
  readonly viewer: Viewer;
  /** A lower-case UUID. */
  readonly id: string;
  readonly query: URLSearchParams;
}

/** @throws Problem when there is no such thing for this viewer, or they ask for what cannot be */
type Opener<Sent> = (asked: Asked) => Promise<Following<Sent>>;

type DeclaredAs<Stream extends Route["stream"]> = {
  [Id in keyof typeof routes]: (typeof routes)[Id] extends { readonly stream: Stream } ? Id : never;
}[keyof typeof routes];

/** Watches: the same frames over WebSocket and as server-sent events. */
const WATCHES = {
  watchWorkspace: openWorkspace,
  watchWorkspaceOverWebSocket: openWorkspace,
  watchWorkspaceAgentMetadata: openMetadata,
  watchWorkspaceAgentMetadataOverWebSocket: openMetadata,
} satisfies Record<DeclaredAs<"sse" | "websocket">, Opener<WatchFrame>>;

/** Logs: WebSocket messages, one line of a job each, an array of an agent's lines each. */
const LOGS = {
  async listWorkspaceBuildLogs(asked) {
    return jobLines(asked, await findBuild(asked.edge.database.sql, asked.id, asked.viewer.within));
  },
  async listTemplateVersionLogs(asked) {
    return jobLines(asked, await findVersion(asked.edge.database.sql, asked.id));
  },
  async listWorkspaceAgentLogs({ edge, viewer, id, query }) {
    const { sql } = edge.database;
    const after = afterOf(query);
    orNotFound(await findAgentRow(sql, id, viewer.within));
    return (signal) => followAgentLog({ ...edge, sql, signal }, id, after);
  },
} satisfies Record<DeclaredAs<"follow">, Opener<unknown>>;

async function openWorkspace({ edge, access, viewer, id }: Asked): Promise<Following<WatchFrame>> {
  orNotFound(await findWorkspace(edge.database.sql, id, viewer.within));
  return (signal) => watchWorkspace(edge, id, () => access.readWorkspace(id, viewer), signal);
}

async function openMetadata({ edge, viewer, id }: Asked): Promise<Following<WatchFrame>> {
  orNotFound(await findAgentRow(edge.database.sql, id, viewer.within));
  return (signal) => watchMetadata(edge, id, signal);
}

function jobLines(
  { edge, query }: Asked,
  found: { readonly job_id: string } | undefined,
): Following<unknown> {
  const after = afterOf(query);
  const { job_id: jobId } = orNotFound(found);
  return async function* (signal) {
    for await (const lines of followJobLog({ ...edge, sql: edge.database.sql, signal }, jobId, after))
      yield* lines;
  };
}

const checkLogQuery = validatorOf(logQuery, "query");

function afterOf(query: URLSearchParams): number {
  const { after = 0 }: LogQuery = checkLogQuery(Object.fromEntries(query));
  return after;
}

/** A route that a path names, and the id in it. */
export interface FoundRoute<Sent> {
  readonly route: Route;
  readonly open: Opener<Sent>;
  readonly id: string;
}

const PATHS = Object.values<Route>(routes).map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replace(/\{\w+\}/g, "([^/]+)")}/?$`),
}));

function find<Sent>(
  openers: Readonly<Partial<Record<string, Opener<Sent>>>>,
  path: string,
  streams: readonly Route["stream"][],
): FoundRoute<Sent> | undefined {
  for (const { route, pattern } of PATHS) {
    const [open, id] = [openers[route.id], pattern.exec(path)?.[1]];
    if (open !== undefined && id !== undefined && streams.includes(route.stream)) return { route, open, id };
  }
  return undefined;
}

/** What an upgrade at this path follows. */
export function findFollower(path: string): FoundRoute<unknown> | undefined {
  return find<unknown>({ ...LOGS, ...WATCHES }, path, ["follow", "websocket"]);
}

/** What a plain request at this path follows as server-sent events. */
export function findEventStream(path: string): FoundRoute<WatchFrame> | undefined {
  return find(WATCHES, path, ["sse"]);
}
