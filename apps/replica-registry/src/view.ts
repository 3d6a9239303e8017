import { durationFromMs, registry } from "@berth/contract";
import { isLive, toWire } from "./states.ts";
import type { Changes, LinkRow, ReplicaRow } from "./store.ts";

/** What one read of the database changed. */
export interface Step {
  readonly revision: bigint;
  readonly changed: readonly registry.Replica[];
  readonly removedIds: readonly string[];
}

/** The cluster as the database has it, kept in memory; whoever listens is told each step, in order of revision. */
export class RegistryView {
  readonly #rows = new Map<string, ReplicaRow>();
  readonly #links = new Map<string, readonly LinkRow[]>();
  readonly #hearers = new Set<(step: Step) => void>();
  #revision = 0n;

  get revision(): bigint {
    return this.#revision;
  }

  /** Everybody who is not known to be gone. */
  live(): readonly ReplicaRow[] {
    return [...this.#rows.values()].filter(({ state }) => isLive(state));
  }

  /** The row as last read, gone or not. */
  row(id: string): ReplicaRow | undefined {
    return this.#rows.get(id);
  }

  apply({ revision, rows, links }: Changes): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    for (const row of rows) {
      this.#links.set(
        row.id,
        links.filter(({ fromId }) => fromId === row.id),
      );
      this.#rows.set(row.id, row);
    }
    const changed = rows.filter(({ state }) => isLive(state)).map((row) => this.#wire(row));
    const removedIds = rows.filter(({ state }) => !isLive(state)).map(({ id }) => id);
    for (const hear of this.#hearers) hear({ revision, changed, removedIds });
  }

  /** Drops the rows of those who are gone, but for whom is still of interest. */
  forgetGone(isOfInterest: (id: string) => boolean): void {
    for (const { id, state } of [...this.#rows.values()]) {
      if (isLive(state) || isOfInterest(id)) continue;
      this.#rows.delete(id);
      this.#links.delete(id);
    }
  }

  /** The whole, for a member that has just joined. */
  snapshot(): registry.View {
    return {
      revision: this.#revision,
      replicas: this.live().map((row) => this.#wire(row)),
      stale: false,
    };
  }

  onStep(hear: (step: Step) => void): Disposable {
    this.#hearers.add(hear);
    return { [Symbol.dispose]: () => void this.#hearers.delete(hear) };
  }

  #wire(row: ReplicaRow): registry.Replica {
    const { postgresRoundTripMs } = row;
    return {
      id: row.id,
      hostname: row.hostname,
      services: [...row.services],
      regionId: row.regionId,
      version: row.version,
      relayUrl: row.relayUrl,
      accessUrl: row.accessUrl,
      pingAddress: row.pingAddress,
      poolSize: row.poolSize,
      state: toWire(row.state),
      startedAt: row.startedAt,
      joinedAt: row.joinedAt,
      postgresRoundTrip: postgresRoundTripMs === null ? undefined : durationFromMs(postgresRoundTripMs),
      error: row.error,
      listenPort: row.listenPort,
      peerRoundTrips: (this.#links.get(row.id) ?? []).map(linkToWire),
    };
  }
}

function linkToWire({ toId, medianMs, worstMs, unreachable }: LinkRow): registry.PeerRoundTrip {
  return {
    replicaId: toId,
    median: medianMs === null ? undefined : durationFromMs(medianMs),
    worst: worstMs === null ? undefined : durationFromMs(worstMs),
    unreachable,
  };
}
