import { messageOf } from "@berth/std";
import { channels } from "../channels.ts";
import { databaseIsAway } from "../database-away.ts";
import type { EdgeContext } from "../edge-context.ts";
import { claim, takeBack, type Claim, type Domain, type Holder } from "../jobs/claim.ts";

// Hands waiting jobs to the daemons that wait at this replica.
//   D1  A waiter gets at most one job and is then forgotten: it waits again when its daemon is ready again.
//   D2  Every hint wakes every domain; a hint during a claim means one more claim, never none.
//   D3  A job claimed for a waiter that has left meanwhile is taken back at once.

/** A daemon that is ready for a job. */
export interface Waiter {
  readonly domain: Domain;
  readonly holder: Holder;
  /** How long a delivery to it may take. */
  readonly deliveryMs: number;
  readonly deliver: (claim: Claim) => void;
}

interface Group {
  readonly domain: Domain;
  readonly waiters: Set<Waiter>;
  claiming: boolean;
  again: boolean;
}

/** With every notification lost a job is still picked up within 5 s. */
const TICK_MS = 4_000;

export class Dispatcher {
  readonly #edge: EdgeContext;
  readonly #tickMs: number;
  readonly #groups = new Map<string, Group>();

  constructor(edge: EdgeContext, tickMs = TICK_MS) {
    this.#edge = edge;
    this.#tickMs = tickMs;
  }

  /** Waits for a job until one is delivered or the waiting is disposed of. */
  wait(waiter: Waiter): Disposable {
    const group = this.#groupOf(waiter.domain);
    group.waiters.add(waiter);
    void this.#serve(group);
    return { [Symbol.dispose]: () => void group.waiters.delete(waiter) };
  }

  /** Wakes every domain at each posted job, and at the tick, until the process ends. */
  async run(): Promise<void> {
    const { hints, signal } = this.#edge;
    while (!signal.aborted) {
      const hint = hints.next(channels.jobPosted, { tickMs: this.#tickMs, signal });
      for (const [key, group] of this.#groups) {
        if (group.waiters.size > 0 || group.claiming) void this.#serve(group);
        else this.#groups.delete(key);
      }
      await hint;
    }
  }

  #groupOf(domain: Domain): Group {
    const key = JSON.stringify([
      domain.organizationId,
      domain.machineId,
      domain.provisioners.toSorted(),
      Object.entries(domain.tags).toSorted(),
    ]);
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group: Group = { domain, waiters: new Set(), claiming: false, again: false };
    this.#groups.set(key, group);
    return group;
  }

  async #serve(group: Group): Promise<void> {
    group.again = true; // D2
    if (group.claiming) return;
    group.claiming = true;
    try {
      while (group.again) {
        group.again = false;
        await this.#claimAll(group);
      }
    } catch (error) {
      // The tick tries again; a claim that was lost with its answer runs out by itself.
      const fields = { reason: messageOf(error) };
      if (databaseIsAway(error)) this.#edge.log.debug("no job could be claimed", fields);
      else this.#edge.log.error("no job could be claimed", { error });
    } finally {
      group.claiming = false;
    }
  }

  async #claimAll(group: Group): Promise<void> {
    const { database, hints } = this.#edge;
    for (const waiter of group.waiters) {
      const claimed = await claim(database.sql, group.domain, waiter.holder, waiter.deliveryMs);
      if (claimed === undefined) return;
      if (group.waiters.delete(waiter))
        waiter.deliver(claimed); // D1
      else await takeBack(database.sql, hints, claimed); // D3
    }
  }
}
