import type { IncomingMessage, ServerResponse } from "node:http";
import { sleep, version } from "@berth/std";
import { buildHandlers } from "../builds/routes.ts";
import { deploymentHandlers } from "../deployment/routes.ts";
import { fileHandlers } from "../files/routes.ts";
import { keyHandlers } from "../keys/routes.ts";
import { organizationHandlers } from "../organizations/routes.ts";
import type { Plane } from "../plane.ts";
import { provisionerHandlers } from "../provisioners/routes.ts";
import { replicaHandlers } from "../replicas/routes.ts";
import { templateVersionHandlers } from "../template-versions/routes.ts";
import { templateHandlers } from "../templates/routes.ts";
import { userHandlers } from "../users/routes.ts";
import { sessionHandlers } from "../users/session-routes.ts";
import { workspaceAgentHandlers } from "../workspace-agents/routes.ts";
import { workspaceHandlers } from "../workspaces/routes.ts";
import { buildApp } from "./app.ts";
import type { Handled } from "./handler.ts";
import { RateLimits } from "./rate-limit.ts";

const PURGE_EVERY_MS = 60_000;

/** Every route that is answered here; streams are answered beside it. */
const handlersOf = (plane: Plane): readonly Handled[] => [
  ...deploymentHandlers(plane),
  ...sessionHandlers(plane),
  ...userHandlers,
  ...keyHandlers(plane),
  ...organizationHandlers,
  ...fileHandlers,
  ...templateHandlers,
  ...templateVersionHandlers(plane),
  ...workspaceHandlers(plane),
  ...buildHandlers(plane),
  ...workspaceAgentHandlers(plane),
  ...provisionerHandlers(plane),
  ...replicaHandlers(plane),
];

interface EventStreams {
  answerEventStream(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Puts the HTTP API and its pages onto the listener, as what nobody else took. */
export async function serveHttp(plane: Plane, streams: EventStreams): Promise<void> {
  const limits = new RateLimits(plane.database.sql);
  const app = await buildApp(plane, limits, handlersOf(plane));
  plane.scope.add("http routes", () => app.close());
  plane.mount.http("/*", (request, response) => {
    response.setHeader("x-coder-build-version", version);
    if (!streams.answerEventStream(request, response)) app.routing(request, response);
  });
  void purge(plane, limits);
}

/** Each replica clears up behind all: it is one cheap statement, and nobody needs to be told to. */
async function purge({ signal, log }: Plane, limits: RateLimits): Promise<void> {
  while (!signal.aborted) {
    await sleep(PURGE_EVERY_MS, signal);
    await limits.purge().catch((error: unknown) => log.debug("rate limits could not be purged", { error }));
  }
}
