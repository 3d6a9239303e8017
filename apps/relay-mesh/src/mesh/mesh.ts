import { durationFromMs, registry } from "@berth/contract";
import type { Mount } from "@berth/rpc";
import type { Cluster } from "@berth/runtime";
import { type Scope, sleep } from "@berth/std";
import type { Gauge, Metrics } from "@berth/telemetry";
import type { RelayEvents } from "../events.ts";
import type { Relay } from "../relay.ts";
import { meshHandlers } from "./answer.ts";
import { type DialingSide, keepLinked } from "./dial.ts";
import { meshService } from "./link-wire.ts";
import { Sibling } from "./sibling.ts";

const { ReplicaState } = registry;

/** A replica in one of these states may answer; whether it does is judged by dialing, never by the registry. */
const DIALED: readonly registry.ReplicaState[] = [
  ReplicaState.STARTING,
  ReplicaState.READY,
  ReplicaState.DRAINING,
  ReplicaState.UNOBSERVED,
];

const REPORT_EVERY_MS = 1_000;
/** A sibling that can neither be reached nor refused must not keep this relay from being ready. */
const FIRST_ATTEMPT_MS = 5_000;

/** What the mesh needs of its process. */
export interface MeshOptions {
  readonly relay: Relay;
  readonly replicaId: string;
  readonly deploymentKey: Buffer;
  readonly metrics: Metrics;
  readonly events: RelayEvents;
  readonly scope: Scope;
}

/** This relay's siblings, and the links to them. */
export class Mesh {
  readonly #options: MeshOptions;
  readonly #siblings = new Map<string, Sibling>();
  readonly #linkUp: Gauge;
  readonly #farewell = new AbortController();
  readonly #draining = new AbortController();
  #cluster: Cluster | undefined;
  #mismatch = "";

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#linkUp = options.metrics.gauge("berth_mesh_link_up", "Whether the link to a sibling relay is up", [
      "peer",
    ]);
  }

  /** Lets siblings dial this relay. */
  serve(mount: Mount): void {
    const { relay, replicaId } = this.#options;
    const handlers = meshHandlers({
      relay,
      replicaId,
      sibling: (id) => this.#known(id),
      linked: (sibling) => this.#linked(sibling),
      unlinked: (sibling, why) => this.#unlinked(sibling, why),
      farewell: this.#farewell.signal,
      draining: this.#draining.signal,
    });
    mount.grpc(meshService, handlers, "internal");
  }

  /** Dials the relays of the cluster's view, now and whenever it changes; resolves after one attempt each. */
  async follow(cluster: Cluster): Promise<void> {
    this.#cluster = cluster;
    const { scope } = this.#options;
    scope.use(
      "mesh view",
      cluster.onChange(() => this.#reconcile()),
    );
    const reporting = setInterval(() => this.#reportRoundTrips(), REPORT_EVERY_MS);
    scope.add("mesh report", () => clearInterval(reporting));
    scope.add("mesh dialing", () => this.#siblings.forEach((sibling) => sibling.dialing?.abort()));
    this.#reconcile();
    const attempts = [...this.#siblings.values()].map(({ attempted }) => attempted.promise);
    const late = new AbortController();
    await Promise.race([Promise.all(attempts), sleep(FIRST_ATTEMPT_MS, late.signal)]);
    late.abort();
  }

  /** Siblings whose keys are known. */
  get linkedCount(): number {
    return [...this.#siblings.values()].filter(({ link }) => link !== undefined).length;
  }

  /** Tells siblings that this relay drains; their links stay. */
  startDraining(): void {
    this.#draining.abort();
  }

  /** The last word: siblings forget this relay's keys (R5). */
  sayGoodbye(): void {
    this.#farewell.abort();
  }

  #reconcile(): void {
    const { replicaId } = this.#options;
    const replicas = this.#cluster?.replicas() ?? [];
    const own = replicas.find(({ id }) => id === replicaId);
    const wanted = replicas.filter(
      (replica) =>
        replica.id !== replicaId &&
        replica.relayUrl !== "" &&
        replica.services.includes("relay-mesh") &&
        DIALED.includes(replica.state) &&
        (own === undefined || replica.regionId === own.regionId),
    );
    for (const replica of wanted) this.#dial(replica);
    const ids = new Set(wanted.map(({ id }) => id));
    for (const sibling of this.#siblings.values())
      if (!ids.has(sibling.replicaId)) this.#stopDialing(sibling);
  }

  #dial(replica: registry.Replica): void {
    const sibling = this.#known(replica.id);
    sibling.hostname = replica.hostname;
    if (sibling.dialing !== undefined && sibling.relayUrl === replica.relayUrl) return;
    sibling.dialing?.abort();
    sibling.relayUrl = replica.relayUrl;
    sibling.dialing = new AbortController();
    this.#linkUp.set(0, { peer: sibling.label });
    void keepLinked(this.#dialingSide(), sibling, sibling.dialing.signal);
  }

  /** The view no longer lists it. A link that is up stays: the registry observes, it never tears. */
  #stopDialing(sibling: Sibling): void {
    if (sibling.link !== undefined || sibling.sender.isAttached) return;
    sibling.dialing?.abort();
    sibling.sender.clear();
    this.#linkUp.remove({ peer: sibling.label });
    this.#siblings.delete(sibling.replicaId);
  }

  #known(replicaId: string): Sibling {
    const known = this.#siblings.get(replicaId);
    if (known !== undefined) return known;
    const { tally } = this.#options.relay;
    const sibling = new Sibling(replicaId, (frames) => (tally.dropped.mesh_backlog += frames));
    this.#siblings.set(replicaId, sibling);
    return sibling;
  }

  #dialingSide(): DialingSide {
    const { relay, replicaId, deploymentKey } = this.#options;
    return {
      relay,
      replicaId,
      deploymentKey,
      isOneSided: () => this.#cluster?.replicas().find(({ id }) => id === replicaId)?.relayUrl === "",
      linked: (sibling) => this.#linked(sibling),
      unlinked: (sibling, why) => this.#unlinked(sibling, why),
      mismatched: (sibling, message) => this.#mismatched(sibling, message),
    };
  }

  #linked(sibling: Sibling): void {
    this.#linkUp.set(1, { peer: sibling.label });
    sibling.isToldDown = false;
    this.#options.events.siblingLinked(sibling.label, sibling.relayUrl);
    if (this.#mismatch === "") return;
    this.#mismatch = "";
    this.#cluster?.report({ error: "" });
  }

  #unlinked(sibling: Sibling, why: string): void {
    this.#linkUp.set(0, { peer: sibling.label });
    if (!sibling.isToldDown) this.#options.events.siblingUnlinked(sibling.label, why);
    sibling.isToldDown = true;
    this.#reconcile(); // the view may have dropped it while its link was up
  }

  #mismatched(sibling: Sibling, message: string): void {
    if (this.#hasSuccessor(sibling)) return;
    const said = `EREP05 relay URL ${sibling.relayUrl} of ${sibling.label} is answered by someone else: ${message}`;
    if (said === this.#mismatch) return;
    this.#mismatch = said;
    this.#options.events.siblingMismatched(said);
    this.#cluster?.report({ error: said });
  }

  /** A killed replica is listed for some seconds more: whoever was started since at its URL is no stranger there. */
  #hasSuccessor({ replicaId, relayUrl }: Sibling): boolean {
    const replicas = this.#cluster?.replicas() ?? [];
    const startedAt = (replica?: registry.Replica) => replica?.startedAt?.getTime() ?? 0;
    const startOfSibling = startedAt(replicas.find(({ id }) => id === replicaId));
    return replicas.some((replica) => replica.relayUrl === relayUrl && startedAt(replica) > startOfSibling);
  }

  #reportRoundTrips(): void {
    const dialed = [...this.#siblings.values()].filter(({ dialing }) => dialing !== undefined);
    const peerRoundTrips = dialed.map(({ replicaId, link, roundTrips }): registry.PeerRoundTrip => {
      const measures = link === undefined ? undefined : roundTrips.measures();
      return {
        replicaId,
        median: measures && durationFromMs(measures.medianMs),
        worst: measures && durationFromMs(measures.worstMs),
        unreachable: link === undefined,
      };
    });
    this.#cluster?.report({ peerRoundTrips });
  }
}
