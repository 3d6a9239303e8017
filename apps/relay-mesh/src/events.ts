import type { Logger } from "@berth/telemetry";
import type { ConnectionEnd } from "./connection.ts";

/** What the relay says in its log: one line per event that an operator may ask about. */
export interface RelayEvents {
  clientRefused(key: Buffer, reason: string): void;
  connectionEnded(key: Buffer, why: ConnectionEnd): void;
  connectionFailed(error: unknown): void;
  siblingLinked(sibling: string, url: string): void;
  siblingUnlinked(sibling: string, why: string): void;
  siblingMismatched(message: string): void;
  drainStarted(connections: number): void;
  drainEnded(connections: number, tookMs: number): void;
}

/** The first digits of a key: enough to follow one client, too few to address it. */
function short(key: Buffer): string {
  return key.toString("hex", 0, 5);
}

export function relayEvents(log: Logger): RelayEvents {
  return {
    clientRefused: (key, reason) => log.info("client refused", { client: short(key), reason }),
    connectionEnded: (key, why) => log.debug("connection ended", { client: short(key), why }),
    connectionFailed: (error) => log.error("reading a connection failed", { error }),
    siblingLinked: (sibling, url) => log.info("linked to sibling relay", { sibling, url }),
    siblingUnlinked: (sibling, why) => log.warn("link to sibling relay ended", { sibling, why }),
    siblingMismatched: (message) => log.warn(message),
    drainStarted: (connections) => log.info("relay drains", { connections }),
    drainEnded: (connections, tookMs) => log.info("relay drained", { connections, tookMs }),
  };
}
