import type { registry } from "@berth/contract";
import type { Logger } from "@berth/telemetry";
import type { PeerSummary } from "./pinger.ts";

/** Replicas, and each of them and Postgres, should be closer than this. */
const FAR_MS = 10;
/** Fewer samples say little. */
const ENOUGH = 10;

/** Says in the log what is wrong when it begins, and when it is over; not in between. */
export class Alarms {
  readonly #log: Logger;
  readonly #raised = new Map<string, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Takes everything that is wrong now, by key. */
  update(wrong: Wrong): void {
    for (const [key, { code, message }] of wrong) {
      if (this.#raised.has(key)) continue;
      this.#raised.set(key, code);
      this.#log.warn(`${code}: ${message}`, { code });
    }
    for (const [key, code] of this.#raised) {
      if (wrong.has(key)) continue;
      this.#raised.delete(key);
      this.#log.info(`${code} is over`, { code, concerns: key });
    }
  }
}

/** Everything that is wrong, by key. */
export type Wrong = Map<string, { readonly code: string; readonly message: string }>;

/** An api without any relay: workspaces could not be reached. */
export function relayAlarms(
  services: readonly string[],
  replicas: readonly Pick<registry.Replica, "services">[],
  hasCustomRelays: boolean,
): Wrong {
  const served = replicas.some((replica) => replica.services.includes("relay-mesh"));
  if (!services.includes("api") || served || hasCustomRelays) return new Map();
  const message =
    "no replica serves a relay and no custom relays are set, so no workspace can be reached: start a relay-mesh, or set CODER_DERP_CONFIG_URL";
  return new Map([["relays", { code: "EREP07", message }]]);
}

/** What is wrong with the distances of this replica. */
export function distanceAlarms(peers: readonly PeerSummary[], postgresMs: number | undefined): Wrong {
  const wrong: Wrong = new Map();
  for (const { replica, medianMs, samples, unreachable } of peers) {
    const who = `${replica.hostname} (${replica.pingAddress})`;
    if (unreachable)
      wrong.set(`unreachable ${replica.id}`, {
        code: "EREP03",
        message: `replica ${who} does not answer pings: open the way between the two, or correct its CODER_DERP_SERVER_RELAY_URL`,
      });
    else if (medianMs !== undefined && samples >= ENOUGH && medianMs > FAR_MS)
      wrong.set(`far ${replica.id}`, {
        code: "EREP01",
        message: `the round trip to replica ${who} is ${medianMs.toFixed(1)} ms (median of a minute): replicas should be within ${FAR_MS} ms of each other`,
      });
  }
  if (postgresMs !== undefined && postgresMs > FAR_MS)
    wrong.set("postgres", {
      code: "EREP02",
      message: `the round trip to Postgres is ${postgresMs.toFixed(1)} ms (median): replicas should be within ${FAR_MS} ms of it`,
    });
  return wrong;
}
