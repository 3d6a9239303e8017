import { sleep } from "@berth/std";
import type { Connection } from "./connection.ts";
import type { RelayEvents } from "./events.ts";
import type { Mesh } from "./mesh/mesh.ts";
import type { Relay } from "./relay.ts";

/** Clients are told one by one over at most this, so that they do not all dial at once. */
const STAGGER_MS = 2_000;
const STAGGER_PER_CLIENT_MS = 5;
/** How long a client should keep trying to reach the region again. */
const TRY_FOR_MS = 5_000;
const LOOK_EVERY_MS = 50;

/**
 * Moves every client away: each hears `restarting` in its turn, connects elsewhere first, then leaves (R5). Resolves when the
 * relay is empty, or when the signal is aborted; the caller then closes what is left and says goodbye last.
 */
export async function drain(
  relay: Relay,
  mesh: Mesh,
  events: RelayEvents,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  events.drainStarted(relay.connectionCount);
  mesh.startDraining();
  const told = new Set<Connection>();
  while (relay.connectionCount > 0 && !signal.aborted) {
    await tellAll(relay, told, signal);
    await sleep(LOOK_EVERY_MS, signal);
  }
  events.drainEnded(relay.connectionCount, Math.round(performance.now() - startedAt));
}

/** Those who have not been told yet: handshakes may still end while the relay drains. */
async function tellAll(relay: Relay, told: Set<Connection>, signal: AbortSignal): Promise<void> {
  const untold = [...relay.connections].filter((connection) => !told.has(connection));
  const pauseMs = Math.min(STAGGER_PER_CLIENT_MS, STAGGER_MS / Math.max(1, untold.length));
  let dueAt = performance.now();
  for (const connection of untold) {
    told.add(connection);
    relay.restart(connection, 0, TRY_FOR_MS);
    dueAt += pauseMs;
    if (dueAt - performance.now() > pauseMs) await sleep(dueAt - performance.now(), signal);
  }
}
