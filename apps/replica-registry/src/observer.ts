import type { Database } from "@berth/database";
import { BeatWatch } from "./beat-watch.ts";
import type { Events } from "./events.ts";
import { statesBefore, next, type Happening } from "./states.ts";
import { judge, readBeats, removeRegistry, type ReplicaRow } from "./store.ts";
import type { RegistryView } from "./view.ts";

// Judges what other registries leave behind. Every registry does; verdicts are conditional, so doing it twice is harmless.
//   O1  A registry is silent after 4 s without a beat, seen by us, while the database answered us all that time.
//   O2  A silent registry that does not answer our pings is dead, and lost at once. Its members are unobserved, then lost
//       after 15 s unless they join another.
//   O5  A silent registry that answers is cut off from the database alone: it and its members are unobserved, and not lost
//       for as long as it answers.
//   O3  A member of our own whose stream has ended is lost after 2 s, unless it has joined again, anywhere.
//   O4  A verdict names the stream (owner, join sequence) it was given on.

const REGISTRY_SILENT_MS = 4_000;
const STREAMLESS_MS = 2_000;
const UNOBSERVED_MS = 15_000;
/** Two looks further apart do not make a watch. */
const GAP_MS = 2_500;

/** Judges once a second. */
export class Observer {
  readonly #database: Database;
  readonly #view: RegistryView;
  readonly #events: Events;
  readonly #ownId: string;
  readonly #hasStream: (row: ReplicaRow) => boolean;
  readonly #isAnswering: (replicaId: string) => boolean;
  /** Set when this process leaves: then it judges its own no more. */
  isLeaving = false;
  readonly #streamless = new BeatWatch(STREAMLESS_MS, GAP_MS);
  readonly #registries = new BeatWatch(REGISTRY_SILENT_MS, GAP_MS);
  readonly #orphans = new BeatWatch(REGISTRY_SILENT_MS, GAP_MS);
  readonly #unobserved = new BeatWatch(UNOBSERVED_MS, GAP_MS);

  constructor(context: {
    readonly database: Database;
    readonly view: RegistryView;
    readonly events: Events;
    readonly ownId: string;
    /** Whether the replica's stream, as its row names it, is open here. */
    readonly hasStream: (row: ReplicaRow) => boolean;
    /** Whether the replica answers this process's pings. */
    readonly isAnswering: (replicaId: string) => boolean;
  }) {
    this.#database = context.database;
    this.#view = context.view;
    this.#events = context.events;
    this.#ownId = context.ownId;
    this.#hasStream = context.hasStream;
    this.#isAnswering = context.isAnswering;
  }

  /** One look at everything; the view must be fresh. */
  async look(): Promise<void> {
    const beats = await readBeats(this.#database.sql);
    const now = performance.now();
    const others = beats.filter(({ id }) => id !== this.#ownId);
    const silent = this.#registries.observe(
      others.map(({ id, beat }) => ({ id, mark: String(beat) })),
      now,
    );
    const owners = new Set(beats.map(({ id }) => id));
    const live = this.#view.live();
    const seen = live.filter(({ state }) => state !== "unobserved");
    const orphans = this.#orphans.observe(signs(seen.filter(({ ownerId }) => !owners.has(ownerId))), now);
    const own = seen.filter((row) => row.ownerId === this.#ownId && !this.#hasStream(row));
    const streamless = this.#streamless.observe(signs(own), now);
    const forgotten = this.#unobserved.observe(
      signs(live.filter(({ state, ownerId }) => state === "unobserved" && !this.#isAnswering(ownerId))),
      now,
    );
    if (this.#database.answeringForMs < REGISTRY_SILENT_MS) return; // O1
    if (!this.isLeaving)
      await this.#judge(
        own.filter(({ id }) => streamless.includes(id)),
        "stream ended",
      );
    for (const id of silent) {
      const members = live.filter(({ ownerId }) => ownerId === id);
      if (this.#isAnswering(id)) await this.#cutOff(id, members);
      else await this.#bury(id, beats.find((one) => one.id === id)?.beat, members);
    }
    await this.#judge(
      seen.filter(({ id }) => orphans.includes(id)),
      "registry died",
    );
    await this.#judge(
      live.filter(({ id }) => forgotten.includes(id)),
      "unobserved for long",
    );
  }

  /** O2 */
  async #bury(id: string, beat: bigint | undefined, members: readonly ReplicaRow[]): Promise<void> {
    if (members.length > 0) this.#events.registryDied(id);
    await this.#judge(
      members.filter((row) => row.id === id),
      "stream ended",
    );
    await this.#judge(
      members.filter((row) => row.id !== id),
      "registry died",
    );
    await removeRegistry(this.#database.sql, id, beat);
  }

  /** O5 */
  async #cutOff(id: string, members: readonly ReplicaRow[]): Promise<void> {
    const observed = members.filter(({ state }) => state !== "unobserved");
    if (observed.length > 0) this.#events.registryCutOff(id);
    await this.#judge(observed, "registry cut off");
  }

  /** O4 */
  async #judge(rows: readonly ReplicaRow[], happening: Happening): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    const after = next(first.state, happening);
    const judged = await this.#database.transaction((sql) =>
      judge(sql, rows, statesBefore(happening), after),
    );
    this.#events.judged(judged, after, happening);
  }
}

function signs(rows: readonly ReplicaRow[]) {
  return rows.map(({ id, ownerId, joinSequence }) => ({ id, mark: `${ownerId} ${String(joinSequence)}` }));
}
