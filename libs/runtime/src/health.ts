import type { ServerResponse } from "node:http";
import type { Mount } from "@berth/rpc";
import { REPLICA_HEADER } from "./membership/index.ts";

/** What the two health routes say. */
export interface Health {
  /** Why the process should get no new clients; undefined when it should. */
  notReady: string | undefined;
}

/**
 * `/healthz` says that the process is alive, `/readyz` that a balancer should send clients here. Dependencies have no say:
 * one sick database would take every replica away, and with them the honest 503. The first also says who answers: siblings
 * ping it, and a relay URL that leads to somebody else is found out.
 */
export function mountHealth(mount: Mount, replicaId: string): Health {
  const health: Health = { notReady: "starting" };
  mount.http("/healthz", (_request, response) => {
    response.setHeader(REPLICA_HEADER, replicaId);
    answer(response, 200, "OK");
  });
  mount.http("/readyz", (_request, response) => {
    if (health.notReady === undefined) return answer(response, 200, "OK");
    answer(response, 503, health.notReady);
  });
  return health;
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.end(text);
}
