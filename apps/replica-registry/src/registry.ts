import { CodedError, messageOf, Scope, sleep } from "@berth/std";
import type { registry } from "@berth/contract";
import type { Hints } from "@berth/coordination";
import type { Database } from "@berth/database";
import type { Logger } from "@berth/telemetry";
import { events, type Events } from "./events.ts";
import { findingsOf } from "./findings.ts";
import { Member } from "./member.ts";
import { Observer } from "./observer.ts";
import { next, statesBefore, type Happening, type State } from "./states.ts";
import {
  beat,
  CHANGED,
  connectionLimit,
  forget,
  join,
  judge,
  readChanges,
  removeRegistry,
  writeMeasured,
  type Joining,
} from "./store.ts";
import { RegistryView } from "./view.ts";

// Invariants
//   G1  A verdict is conditional on the stream it was given on, so a late one never overrules a newer join.
//   G2  The view served is never older than the member has seen.
//   G3  What is written: one statement per change, one for all members every 5 s, one beat a second.
//   G4  A member whose stream is open and ours is what it last said; whatever else the table says is put right.

const BEAT_MS = 1_000;
const FLUSH_MS = 5_000;
const FORGET_MS = 300_000;

/** What a registry needs of its surroundings. */
export interface RegistryContext {
  /** The replica id of this process. */
  readonly ownId: string;
  readonly database: Database;
  readonly hints: Hints;
  readonly log: Logger;
  /** Whether a replica answers this process's pings. */
  readonly isAnswering: (replicaId: string) => boolean;
}

/** How a join was answered. */
export type Admission =
  | { readonly outcome: "refused"; readonly findings: readonly registry.Finding[] }
  | { readonly outcome: "accepted"; readonly findings: readonly registry.Finding[]; readonly member: Member };

/** This process's part of the registry: its members, its view, its beat. */
export class Registry implements AsyncDisposable {
  readonly view = new RegistryView();
  readonly ownId: string;
  readonly #database: Database;
  readonly #hints: Hints;
  readonly #log: Logger;
  readonly #events: Events;
  readonly #members = new Map<string, Member>();
  readonly #scope = new Scope();
  readonly #observer: Observer;
  readonly #writes = new Set<Promise<void>>();
  #reading: Promise<void> | undefined;
  #following: Promise<void> | undefined;

  private constructor({ ownId, database, hints, log, isAnswering }: RegistryContext) {
    this.ownId = ownId;
    this.#database = database;
    this.#hints = hints;
    this.#log = log;
    this.#events = events(log);
    this.#observer = new Observer({
      ...{ database, view: this.view, events: this.#events, ownId, isAnswering },
      hasStream: ({ id, joinSequence }) => this.#members.get(id)?.claim.joinSequence === joinSequence,
    });
  }

  /** Resolves once its view is read and its first beat is written. */
  static async open(context: RegistryContext): Promise<Registry> {
    const made = new Registry(context);
    await beat(context.database.sql, made.ownId);
    await made.refresh();
    made.#loop("beating", BEAT_MS, () => made.#tick());
    made.#loop("writing reports", FLUSH_MS, () => made.#flush([...made.#members.values()]));
    made.#loop("forgetting", FORGET_MS, async () => {
      made.view.forgetGone((id) => made.#members.has(id));
      await forget(context.database.sql);
    });
    made.#follow();
    return made;
  }

  /** The registry cannot write: what it serves may be out of date. */
  get isStale(): boolean {
    return !this.#database.reachable;
  }

  /** Takes a replica as a member, or says why not. */
  async admit(joining: Joining): Promise<Admission> {
    const findings = findingsOf(joining, this.view.live(), await connectionLimit(this.#database.sql));
    const refusal = findings.find(({ refused }) => refused);
    if (refusal !== undefined) {
      this.#events.refused(joining, refusal.message);
      return { outcome: "refused", findings };
    }
    const claim = await this.#database.transaction((sql) => join(sql, joining));
    if (claim === undefined)
      throw new CodedError(
        "failed_precondition",
        `replica ${joining.id} has said goodbye: a process joins with a fresh id`,
      );
    const member = new Member(claim, joining);
    this.#members.get(claim.id)?.superseded.abort();
    this.#members.set(claim.id, member);
    this.#events.joined(joining);
    return { outcome: "accepted", findings, member };
  }

  /** G2: reads until the view has the revision. @throws CodedError when the database does not bring it. */
  async reach(revision: bigint): Promise<void> {
    if (this.view.revision < revision) await this.refresh();
    if (this.view.revision < revision)
      throw new CodedError(
        "unavailable",
        `this registry has seen revision ${String(this.view.revision)} only`,
      );
  }

  /** Takes a member's report; what changed its state or error is written at once. */
  report(member: Member, report: registry.Report): void {
    const changed = member.hear(report);
    if (changed.state) this.#write("a state", () => this.#correct(member, member.state));
    if (changed.error) this.#write("an error", () => this.#flush([member]));
  }

  /** Writes that it left. */
  async goodbye(member: Member): Promise<void> {
    this.ended(member);
    await this.#happened(member, "said goodbye");
  }

  /** Its stream ended without a goodbye: the observer finds its row without a stream, and gives it 2 s. */
  ended(member: Member): void {
    if (this.#members.get(member.claim.id) === member) this.#members.delete(member.claim.id);
  }

  /** This process leaves: its members find another registry, and are not judged for it. */
  leave(): void {
    this.#observer.isLeaving = true;
  }

  /** Reads what changed. A read that is under way may have begun too early: then one more follows, for all who ask. */
  async refresh(): Promise<void> {
    if (this.#reading === undefined) {
      this.#reading = this.#read().finally(() => (this.#reading = undefined));
      return this.#reading;
    }
    this.#following ??= this.#reading
      .catch(() => undefined) // told to whoever asked for that one
      .then(() => {
        this.#following = undefined;
        return this.refresh();
      });
    return this.#following;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope.close();
    await Promise.all(this.#writes);
    await removeRegistry(this.#database.sql, this.ownId).catch((error: unknown) =>
      this.#log.debug("the registry's row stays", { reason: messageOf(error) }),
    );
  }

  async #read(): Promise<void> {
    this.view.apply(await readChanges(this.#database.sql, this.view.revision));
    for (const member of [...this.#members.values()]) this.#compare(member);
  }

  /** G4 */
  #compare(member: Member): void {
    const row = this.view.row(member.claim.id);
    if (row === undefined) return;
    if (row.joinSequence > member.claim.joinSequence) {
      this.#members.delete(member.claim.id);
      member.superseded.abort();
      return;
    }
    if (row.state === "lost" || row.state === "unobserved")
      this.#write("a state", () => this.#correct(member, member.state));
  }

  async #tick(): Promise<void> {
    await beat(this.#database.sql, this.ownId);
    await this.refresh();
    await this.#observer.look();
  }

  #follow(): void {
    const following = (async () => {
      while (!this.#scope.signal.aborted) {
        const hint = this.#hints.next(CHANGED, { signal: this.#scope.signal });
        await this.refresh().catch((error: unknown) => this.#say("reading", error));
        await hint;
      }
    })();
    this.#scope.add("following", () => following);
  }

  async #happened(member: Member, happening: Happening): Promise<void> {
    const after = next(member.state, happening);
    const judged = await this.#database.transaction(
      (sql) => judge(sql, [member.claim], statesBefore(happening), after), // G1
    );
    this.#events.judged(judged, after, happening);
  }

  async #correct(member: Member, state: State): Promise<void> {
    const before = (["starting", "ready", "draining", "unobserved", "lost"] as const).filter(
      (one) => one !== state,
    );
    await this.#database.transaction((sql) => judge(sql, [member.claim], before, state));
  }

  /** G3 */
  async #flush(members: readonly Member[]): Promise<void> {
    const taken = members.flatMap((member) => member.takeMeasured() ?? []);
    if (taken.length === 0) return;
    try {
      await this.#database.transaction((sql) =>
        writeMeasured(
          sql,
          taken.map(({ row }) => row),
          taken.flatMap(({ links }) => links),
        ),
      );
    } catch (error) {
      for (const one of taken) one.keep();
      throw error;
    }
  }

  #loop(what: string, everyMs: number, work: () => Promise<void>): void {
    const { signal } = this.#scope;
    const running = (async () => {
      while (!signal.aborted) {
        await work().catch((error: unknown) => this.#say(what, error));
        await sleep(everyMs, signal);
      }
    })();
    this.#scope.add(what, () => running);
  }

  #write(what: string, work: () => Promise<void>): void {
    const writing = work()
      .catch((error: unknown) => this.#say(`writing ${what}`, error))
      .finally(() => this.#writes.delete(writing));
    this.#writes.add(writing);
  }

  /** With the database away everything fails, and the database has said so itself. */
  #say(what: string, error: unknown): void {
    if (this.#database.reachable) this.#log.warn(`${what} failed`, { reason: messageOf(error) });
  }
}
