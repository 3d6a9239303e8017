import { monitorEventLoopDelay } from "node:perf_hooks";
import { ConfigError } from "@berth/config";
import { durationFromMs, registry } from "@berth/contract";
import { Backoff, deferred, messageOf, sleep, version, atMost } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import type { Cluster } from "../cluster.ts";
import type { Member, MembershipContext } from "../membership-seam.ts";
import { Alarms, distanceAlarms, relayAlarms } from "./alarms.ts";
import { askIdentity, openAgents } from "./ask-identity.ts";
import { ClusterView } from "./cluster-view.ts";
import type { MembershipConfig } from "./config.ts";
import { Pinger, type PeerSummary } from "./pinger.ts";
import { Session } from "./session.ts";
import { registryTargets } from "./targets.ts";

const ALARMS_MS = 5_000;
/** Services of one deployment start side by side: who is missing is said only after a while. */
const SETTLED_MS = 30_000;
const LEAVE_MS = 2_000;
/** How often a registry that cannot be reached is spoken of. */
const SAY_MS = 5_000;

type Context = MembershipContext<MembershipConfig>;
type Reported = Partial<Pick<registry.Report, "error" | "postgresRoundTrip" | "peerRoundTrips">>;

/** This process in the cluster: joined at one registry, at another when that one falls silent, the last view in between. */
export class ClusterMember implements Cluster, Member {
  readonly cluster: Cluster = this;
  readonly #context: Context;
  readonly #relayUrl: string;
  readonly #log: Logger;
  readonly #view = new ClusterView();
  readonly #pinger: Pinger;
  readonly #joined = deferred();
  readonly #loop = monitorEventLoopDelay({ resolution: 20 });
  #state: registry.ReplicaState = registry.ReplicaState.STARTING;
  #reported: Reported = {};
  /** EREP05: who answers at our relay URL, when it is not us. */
  #impostor = "";
  #session: Session | undefined;
  #leaving = false;

  constructor(context: Context, relayUrl: string) {
    this.#context = context;
    this.#relayUrl = relayUrl;
    this.#log = context.log;
    this.#pinger = new Pinger(() => this.#peers());
  }

  /** Resolves once it has joined and has a view; it stays joined, anywhere, until `leave`. */
  async join(): Promise<void> {
    const { scope } = this.#context;
    const { signal } = scope;
    this.#loop.enable();
    const running = [this.#run(signal), this.#pinger.run(signal), this.#watch(signal)];
    scope.add("membership", async () => {
      this.#loop.disable();
      await Promise.all(running);
    });
    await this.#joined.promise;
  }

  replicas(): readonly registry.Replica[] {
    return this.#view.replicas();
  }

  get revision(): bigint {
    return this.#view.revision;
  }

  isAnswering(replicaId: string): boolean {
    return this.#pinger.isAnswering(replicaId);
  }

  onChange(hear: () => void): Disposable {
    return this.#view.onChange(hear);
  }

  report(change: Reported): void {
    this.#reported = { ...this.#reported, ...change };
  }

  setState(state: "STARTING" | "READY" | "DRAINING"): void {
    if (this.#state === registry.ReplicaState[state]) return;
    this.#state = registry.ReplicaState[state];
    this.#session?.reportNow();
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    const session = this.#session;
    if (session === undefined) return;
    const ended = this.#ended;
    session.goodbye();
    await atMost(LEAVE_MS, ended);
  }

  #ended: Promise<void> = Promise.resolve();

  async #run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ firstMs: 50, maxMs: 2_000 });
    let saidAt = -Infinity;
    while (!this.#isOver(signal)) {
      for (const target of await this.#targets()) {
        if (this.#isOver(signal)) return;
        const reason = await this.#stay(target, signal, () => backoff.connected());
        if (reason === undefined || performance.now() - saidAt < SAY_MS) continue;
        saidAt = performance.now();
        this.#log.warn("the replica registry cannot be reached, trying on", { target, reason });
      }
      await sleep(backoff.nextMs(), signal);
    }
  }

  #isOver(signal: AbortSignal): boolean {
    return signal.aborted || this.#leaving;
  }

  #targets(): Promise<readonly string[]> {
    const { config, process } = this.#context;
    return registryTargets(config.registryUrls, process.ownTarget);
  }

  /** One session; answers why it failed, or nothing when it ended in order. */
  async #stay(target: string, signal: AbortSignal, onView: () => void): Promise<string | undefined> {
    const session = new Session({
      target,
      deploymentKey: this.#context.process.deploymentKey,
      join: { replica: this.#self(), seenRevision: this.#view.revision },
      report: () => this.#currentReport(),
      onAccepted: (accepted) => this.#accepted(accepted),
      onView: (view) => {
        this.#view.replace(view);
        this.#joined.resolve();
        onView();
      },
      onChange: (change) => this.#view.change(change),
    });
    this.#session = session;
    const running = session.run(signal);
    this.#ended = running.catch(() => undefined); // told below
    try {
      await running;
      return undefined;
    } catch (error) {
      return this.#isOver(signal) ? undefined : messageOf(error);
    } finally {
      this.#session = undefined;
    }
  }

  #accepted({ findings }: registry.Accepted): void {
    for (const { code, message, refused } of findings) {
      if (!refused) this.#log.warn(`${code}: ${message}`, { code });
      else this.#context.fail(refusal(message));
    }
    void this.#checkIdentity();
  }

  /** EREP05: asked at each join, whoever answers at our relay URL must be us. */
  async #checkIdentity(): Promise<void> {
    if (this.#relayUrl === "") return;
    const { process, scope } = this.#context;
    using agents = openAgents();
    try {
      const { replicaId } = await askIdentity(this.#relayUrl, agents, scope.signal);
      const wasImpostor = this.#impostor;
      this.#impostor = replicaId === process.replicaId ? "" : this.#impostorMessage(replicaId);
      if (this.#impostor !== "" && wasImpostor === "") this.#log.error(this.#impostor, { code: "EREP05" });
    } catch (error) {
      this.#log.debug("the relay URL does not answer from here", { reason: messageOf(error) }); // siblings judge that
    }
  }

  #impostorMessage(replicaId: string | undefined): string {
    const other = this.replicas().find(({ id }) => id === replicaId)?.hostname;
    const who = replicaId === undefined ? "something that is no replica" : `replica ${other ?? replicaId}`;
    return (
      `EREP05: CODER_DERP_SERVER_RELAY_URL is ${this.#relayUrl}, where ${who} answers instead of this one: ` +
      "set it to this replica's own address, not a load balancer's"
    );
  }

  #self(): registry.Replica {
    const { config, process } = this.#context;
    return {
      id: process.replicaId,
      hostname: process.hostname,
      services: [...process.services],
      regionId: config.regionId,
      version,
      relayUrl: this.#relayUrl,
      accessUrl: config.accessUrl?.href.replace(/\/$/, "") ?? "",
      pingAddress: this.#relayUrl === "" ? listenAddress(process.address) : this.#relayUrl,
      poolSize: process.postgres?.maxConnections ?? 0,
      state: this.#state,
      startedAt: process.startedAt,
      joinedAt: undefined,
      postgresRoundTrip: undefined,
      error: "",
      listenPort: process.port,
      peerRoundTrips: [],
    };
  }

  #currentReport(): Omit<registry.Report, "sequence"> {
    const postgresMs = this.#context.process.postgres?.roundTripMs();
    const measured = this.#reported.peerRoundTrips ?? [];
    const others = this.#pinger
      .summaries()
      .filter(({ replica }) => !measured.some(({ replicaId }) => replicaId === replica.id));
    return {
      state: this.#state,
      postgresRoundTrip:
        this.#reported.postgresRoundTrip ??
        (postgresMs === undefined ? undefined : durationFromMs(postgresMs)),
      peerRoundTrips: [...measured, ...others.map(linkOf)],
      loopLag: Number.isNaN(this.#loop.mean) ? undefined : durationFromMs(this.#loop.mean / 1e6), // not yet sampled
      error: [this.#impostor, this.#reported.error ?? ""].filter((text) => text !== "").join("; "),
    };
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { config, process } = this.#context;
    const alarms = new Alarms(this.#log);
    const custom = config.relayMapUrl !== undefined || config.relayMapPath !== undefined;
    while (!signal.aborted) {
      await sleep(ALARMS_MS, signal);
      const settled = Date.now() - process.startedAt.getTime() > SETTLED_MS;
      alarms.update(
        new Map([
          ...distanceAlarms(this.#pinger.summaries(), process.postgres?.roundTripMs()),
          ...(settled ? relayAlarms(process.services, this.replicas(), custom) : []),
        ]),
      );
    }
  }

  #peers(): readonly registry.Replica[] {
    const { config, process } = this.#context;
    return this.replicas().filter(
      ({ id, regionId }) => id !== process.replicaId && regionId === config.regionId,
    );
  }
}

function refusal(message: string): ConfigError {
  const [variable = "", ...rest] = message.split(" ");
  return new ConfigError([
    { variable, expected: rest.join(" "), mend: "The replica registry refused this process" },
  ]);
}

function linkOf({ replica, medianMs, worstMs, unreachable }: PeerSummary): registry.PeerRoundTrip {
  return {
    replicaId: replica.id,
    median: medianMs === undefined ? undefined : durationFromMs(medianMs),
    worst: worstMs === undefined ? undefined : durationFromMs(worstMs),
    unreachable,
  };
}

/** A listener's address as others may ping it; one that listens everywhere is found by whence it joins. */
function listenAddress(address: string): string {
  return /^(0\.0\.0\.0|\[?::\]?):\d+$/.test(address) ? "" : `http://${address}`;
}
