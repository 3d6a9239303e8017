import { sleep } from "@berth/std";
import type { registry } from "@berth/contract";
import { askIdentity, openAgents } from "./ask-identity.ts";
import { RoundTrips, type RoundTripSummary } from "./round-trips.ts";

const EVERY_MS = 1_000;
const ANSWERING_MS = 3_000;

/** A peer and what the pings to it showed. */
export interface PeerSummary extends RoundTripSummary {
  readonly replica: registry.Replica;
}

/** Pings every other replica of the region once a second, over a connection of its own to each. */
export class Pinger {
  readonly #peers: () => readonly registry.Replica[];
  readonly #trips = new Map<string, RoundTrips>();

  /** `peers` answers who is to be pinged now. */
  constructor(peers: () => readonly registry.Replica[]) {
    this.#peers = peers;
  }

  /** Pings until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    using agents = openAgents();
    const pending = new Map<string, Promise<void>>();
    while (!signal.aborted) {
      const peers = this.#pingable();
      for (const id of this.#trips.keys()) if (!peers.some((peer) => peer.id === id)) this.#trips.delete(id);
      for (const peer of peers) {
        if (pending.has(peer.id)) continue; // the last ping has not come back yet
        const ping = this.#ping(peer, (address) => askIdentity(address, agents, signal));
        pending.set(
          peer.id,
          ping.finally(() => pending.delete(peer.id)),
        );
      }
      await sleep(EVERY_MS, signal);
    }
    await Promise.all(pending.values());
  }

  /** What the last minute showed, of every peer there is now. */
  summaries(): readonly PeerSummary[] {
    const now = performance.now();
    return this.#pingable().flatMap((replica) => {
      const trips = this.#trips.get(replica.id);
      return trips === undefined ? [] : [{ replica, ...trips.summary(now) }];
    });
  }

  /** Whether that peer, and nobody else at its address, answered within the last 3 s. */
  isAnswering(replicaId: string): boolean {
    return performance.now() - (this.#trips.get(replicaId)?.heardAtMs ?? -Infinity) < ANSWERING_MS;
  }

  #pingable(): readonly registry.Replica[] {
    return this.#peers().filter(({ pingAddress }) => URL.canParse(pingAddress));
  }

  async #ping(
    peer: registry.Replica,
    ask: (address: string) => ReturnType<typeof askIdentity>,
  ): Promise<void> {
    const trips = this.#trips.get(peer.id) ?? new RoundTrips();
    this.#trips.set(peer.id, trips);
    try {
      const { replicaId, ms, reused } = await ask(peer.pingAddress);
      if (replicaId !== peer.id) trips.failed();
      else if (reused) trips.answered(ms, performance.now());
      else trips.reached(performance.now());
    } catch {
      trips.failed(); // why is of no use here: three in a row are reported
    }
  }
}
