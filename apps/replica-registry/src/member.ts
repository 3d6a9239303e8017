import { msFromDuration, type registry } from "@berth/contract";
import { spoken, type State } from "./states.ts";
import type { Claim, Joining, LinkRow, Measured } from "./store.ts";

/** A replica whose stream this registry holds: what it said of itself, and what of it is not written yet. */
export class Member {
  readonly claim: Claim;
  readonly joining: Joining;
  /** Aborted when the replica has joined another registry since. */
  readonly superseded = new AbortController();
  #state: State;
  #error = "";
  #postgresRoundTripMs: number | null = null;
  #links: readonly LinkRow[] = [];
  #dirty = false;

  constructor(claim: Claim, joining: Joining) {
    this.claim = claim;
    this.joining = joining;
    this.#state = joining.state;
  }

  get state(): State {
    return this.#state;
  }

  /** Takes a report; answers what cannot wait for the next joint write. */
  hear(report: registry.Report): { readonly state: boolean; readonly error: boolean } {
    const state = spoken(report.state);
    const changed = { state: state !== this.#state, error: report.error !== this.#error };
    this.#state = state;
    this.#error = report.error;
    this.#postgresRoundTripMs =
      report.postgresRoundTrip === undefined ? null : msFromDuration(report.postgresRoundTrip);
    this.#links = report.peerRoundTrips.map((link) => linkOf(this.claim.id, link));
    this.#dirty = true;
    return changed;
  }

  /** What has not been written, if anything; it counts as written unless `keep` is called. */
  takeMeasured(): { readonly row: Measured; readonly links: readonly LinkRow[]; keep(): void } | undefined {
    if (!this.#dirty) return undefined;
    this.#dirty = false;
    return {
      row: { ...this.claim, error: this.#error, postgresRoundTripMs: this.#postgresRoundTripMs },
      links: this.#links,
      keep: () => (this.#dirty = true),
    };
  }
}

function linkOf(fromId: string, { replicaId, median, worst, unreachable }: registry.PeerRoundTrip): LinkRow {
  return {
    fromId,
    toId: replicaId,
    medianMs: median === undefined ? null : msFromDuration(median),
    worstMs: worst === undefined ? null : msFromDuration(worst),
    unreachable,
  };
}
