import type { IncomingMessage, ServerResponse } from "node:http";
import { serveAgents } from "./agents/index.ts";
import { serveDaemons } from "./daemons/index.ts";
import type { EdgeContext } from "./edge-context.ts";
import { authenticate } from "./identity/authenticate.ts";
import { ownerWithin, scopeFor } from "./identity/caller.ts";
import { forgetDaemons } from "./jobs/forget-daemons.ts";
import { measureQueue } from "./jobs/queue-metrics.ts";
import { reapLeases } from "./jobs/reaper.ts";
import { notFound } from "./http/problem.ts";
import type { Plane } from "./plane.ts";
import { type FollowerAccess, serveFollowers } from "./watch/index.ts";
import { readWorkspace } from "./workspaces/view.ts";

/** What the HTTP side hands on: requests for an event stream. */
export interface Edges {
  /** Answers it when it is one; false when it is somebody else's. */
  answerEventStream(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Puts the streams of daemons, agents and followers onto the listener, and the leader's work beside them. */
export function serveEdges(plane: Plane, fail: (error: unknown) => void): Edges {
  const edge = edgeContext(plane);
  serveDaemons(edge, plane.mount).catch(fail);
  serveAgents(edge, plane.mount);
  reapLeases({ ...edge, sql: edge.database.sql }).catch(fail);
  forgetDaemons(edge).catch(fail);
  measureQueue(edge).catch(fail);
  return serveFollowers(edge, plane.mount, followerAccess(plane));
}

function edgeContext(plane: Plane): EdgeContext {
  const { config } = plane;
  return {
    ...plane,
    replicaId: plane.process.replicaId,
    accessUrl: plane.accessUrl.origin,
    relays: {
      derpMap: () => plane.derpMap,
      forceWebSockets: config.derpForceWebSockets,
      blockDirect: config.blockDirect,
    },
    preSharedKey: config.preSharedKey,
  };
}

function followerAccess(plane: Plane): FollowerAccess {
  const { database, derpMap } = plane;
  return {
    async admit(request, permission) {
      const caller = await authenticate(plane, request);
      const scope = scopeFor(caller, permission);
      if (scope === undefined) throw notFound();
      return { userId: caller.userId, within: ownerWithin(caller, scope) };
    },
    readWorkspace: (id, viewer) => readWorkspace(database.sql, derpMap, id, viewer.userId),
  };
}
