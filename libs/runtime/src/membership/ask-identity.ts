import { Agent as HttpAgent, get as httpGet } from "node:http";
import { Agent as HttpsAgent, get as httpsGet } from "node:https";

/** The header of `/healthz` that names the replica which answers. */
export const REPLICA_HEADER = "berth-replica";

const DEADLINE_MS = 3_000;

/** Connections to siblings, kept open between pings. */
export interface Agents extends Disposable {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** One connection per sibling. A certificate is not checked: nothing is confided, and who answers says so by its id. */
export function openAgents(): Agents {
  const options = { keepAlive: true, maxSockets: 1 };
  const [http, https] = [new HttpAgent(options), new HttpsAgent({ ...options, rejectUnauthorized: false })];
  return {
    http,
    https,
    [Symbol.dispose]() {
      http.destroy();
      https.destroy();
    },
  };
}

/** Who answered, and how long it took. */
export interface Answered {
  /** Undefined when something that is no replica answered. */
  readonly replicaId: string | undefined;
  readonly ms: number;
  /** The connection was there already, so that `ms` is one round trip. */
  readonly reused: boolean;
}

/** Asks whoever is at an address who it is. @throws when nobody answers within 3 s */
export function askIdentity(address: string, agents: Agents, signal: AbortSignal): Promise<Answered> {
  const url = new URL("/healthz", address);
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]) };
    const request = secure
      ? httpsGet(url, { ...options, agent: agents.https })
      : httpGet(url, { ...options, agent: agents.http });
    request.once("error", reject);
    request.once("response", (response) => {
      const header = response.headers[REPLICA_HEADER];
      const replicaId = typeof header === "string" ? header : undefined;
      response.resume();
      response.once("error", reject);
      resolve({ replicaId, ms: performance.now() - startedAt, reused: request.reusedSocket });
    });
  });
}
