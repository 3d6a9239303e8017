import type { ServerResponse } from "node:http";
import type { Mount } from "@berth/rpc";

/** What the two health routes say. */
export interface Health {
  /** Why the process should get no new clients; undefined when it should. */
  notReady: string | undefined;
}

/**
 * `/healthz` says that the process is alive, `/readyz` that a balancer should send clients here. Dependencies have no say:
 * one sick database would take every replica away, and with them the honest 503.
 */
export function mountHealth(mount: Mount): Health {
  const health: Health = { notReady: "starting" };
  mount.http("/healthz", (_request, response) => answer(response, 200, "OK"));
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
