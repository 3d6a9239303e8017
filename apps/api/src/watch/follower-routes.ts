import { CodedError } from "@berth/std";
import type { EdgeContext } from "../edge-context.ts";
import { followAgentLog, followJobLog } from "../logs/follow.ts";
import {
  demandAgent,
  demandBuildJob,
  demandVersionJob,
  demandWorkspace,
  type FollowerAccess,
  type Viewer,
} from "./access.ts";
import { watchMetadata, watchWorkspace, type WatchFrame } from "./frames.ts";

/** What a follower is sent until it ends by itself: then there is nothing more to come, ever. */
export type Following<Sent> = (signal: AbortSignal) => AsyncIterable<Sent>;

interface Asked {
  readonly edge: EdgeContext;
  readonly access: FollowerAccess;
  readonly viewer: Viewer;
  readonly id: string;
  readonly query: URLSearchParams;
}

interface FollowerRoute<Sent> {
  readonly path: RegExp;
  /** @throws CodedError when the viewer may not, or asks for what cannot be */
  readonly open: (asked: Asked) => Promise<Following<Sent>>;
}

/** Watches: the same frames over WebSocket (`-ws`) and as server-sent events. */
const WATCHES: readonly FollowerRoute<WatchFrame>[] = [
  {
    path: /^\/api\/v2\/workspaces\/([^/]+)\/watch(?:-ws)?$/,
    open: async ({ edge, access, viewer, id }) => {
      await demandWorkspace(edge.database.sql, viewer, id);
      return (signal) => watchWorkspace(edge, id, () => access.readWorkspace(id, viewer), signal);
    },
  },
  {
    path: /^\/api\/v2\/workspaceagents\/([^/]+)\/watch-metadata(?:-ws)?$/,
    open: async ({ edge, viewer, id }) => {
      await demandAgent(edge.database.sql, viewer, id);
      return (signal) => watchMetadata(edge, id, signal);
    },
  },
];

/** Logs: WebSocket messages, one line of a job each, an array of an agent's lines each. */
const LOGS: readonly FollowerRoute<unknown>[] = [
  {
    path: /^\/api\/v2\/workspacebuilds\/([^/]+)\/logs$/,
    open: async ({ edge, viewer, id, query }) =>
      jobLines(edge, await demandBuildJob(edge.database.sql, viewer, id), afterOf(query)),
  },
  {
    path: /^\/api\/v2\/templateversions\/([^/]+)\/logs$/,
    open: async ({ edge, id, query }) =>
      jobLines(edge, await demandVersionJob(edge.database.sql, id), afterOf(query)),
  },
  {
    path: /^\/api\/v2\/workspaceagents\/([^/]+)\/(?:startup-)?logs$/,
    open: async ({ edge, viewer, id, query }) => {
      const after = afterOf(query);
      await demandAgent(edge.database.sql, viewer, id);
      return (signal) => followAgentLog({ ...edge, sql: edge.database.sql, signal }, id, after);
    },
  },
];

function jobLines(edge: EdgeContext, jobId: string, after: number): Following<unknown> {
  return async function* (signal) {
    for await (const lines of followJobLog({ ...edge, sql: edge.database.sql, signal }, jobId, after))
      yield* lines;
  };
}

function afterOf(query: URLSearchParams): number {
  const after = Number(query.get("after") ?? "0");
  if (Number.isSafeInteger(after)) return after;
  throw new CodedError(
    "invalid_argument",
    `Query parameter "after" must be a number, not "${query.get("after") ?? ""}"`,
  );
}

/** A route that a path names, and the id in it. */
export interface FoundRoute<Sent> {
  readonly route: FollowerRoute<Sent>;
  readonly id: string;
}

function find<Sent>(routes: readonly FollowerRoute<Sent>[], path: string): FoundRoute<Sent> | undefined {
  for (const route of routes) {
    const id = route.path.exec(path)?.[1];
    if (id !== undefined) return { route, id };
  }
  return undefined;
}

/** What an upgrade at this path follows. */
export function findFollower(path: string): FoundRoute<unknown> | undefined {
  const plainWatch = path.endsWith("/watch") || path.endsWith("/watch-metadata");
  return find(LOGS, path) ?? (plainWatch ? undefined : find(WATCHES, path));
}

/** What a plain request at this path follows as server-sent events. */
export function findEventStream(path: string): FoundRoute<WatchFrame> | undefined {
  return path.endsWith("-ws") ? undefined : find(WATCHES, path);
}
