import { Backoff, CodedError, messageOf, newId, sleep, withDeadline, type Id } from "@berth/std";
import type { Database, TransactionSql } from "@berth/database";
import type { Logger } from "@berth/telemetry";
import { holdLease, readLease, releaseLease, renewLease, takeLease, type Held } from "./lease-store.ts";
import { LeaseWatch } from "./lease-watch.ts";
import type { Hints, Lease, LeaseName, Leases } from "./types.ts";

// Invariants
//   E1  Every holder has an epoch of its own, higher than all before; a guarded write commits only under the newest.
//   E2  Nobody takes over what was renewed within one full period of the taker's own clock (LeaseWatch).
//   E3  A holder that could not renew for one period, from when it asked, stops by itself: after that another may lead.

const RELEASED = "lease_released";

/** Another holds the lease now. */
export class LeaseLostError extends CodedError {
  override readonly name = "LeaseLostError";

  constructor(lease: LeaseName, epoch: bigint) {
    super("aborted", `lease ${lease}: epoch ${String(epoch)} is over, another holds it`);
  }
}

/** What holding leases needs of its surroundings; the period is shorter in tests. */
export interface LeaseContext {
  readonly database: Database;
  readonly hints: Hints;
  readonly log: Logger;
  /** The replica that holds. */
  readonly owner: string;
  readonly periodMs?: number;
}

/** Leases in Postgres. */
export class PostgresLeases implements Leases {
  readonly #context: LeaseContext;
  readonly #periodMs: number;

  constructor(context: LeaseContext) {
    this.#context = context;
    this.#periodMs = context.periodMs ?? 6_000;
  }

  async lead(name: LeaseName, signal: AbortSignal, lead: (lease: Lease) => Promise<void>): Promise<void> {
    const { log } = this.#context;
    const backoff = new Backoff({ firstMs: 200, maxMs: 5_000 });
    while (!signal.aborted) {
      try {
        const held = await this.#win(name, signal);
        if (held === undefined) return;
        backoff.connected();
        log.debug("leads", { lease: name, epoch: Number(held.epoch) });
        await this.#hold(held, signal, lead);
      } catch (error) {
        log.warn("a lease could not be held", { lease: name, reason: messageOf(error) });
      }
      await sleep(backoff.nextMs(), signal);
    }
  }

  /** Waits until the lease is ours, or undefined when told to stop. */
  async #win(name: LeaseName, signal: AbortSignal): Promise<Won | undefined> {
    const { database, hints, owner } = this.#context;
    const lookEveryMs = this.#periodMs / 3;
    const watch = new LeaseWatch(this.#periodMs, this.#periodMs);
    const nonce = newId<"lease">();
    while (!signal.aborted) {
      const released = hints.next(RELEASED, { id: name, tickMs: lookEveryMs, signal });
      const seen = await readLease(database.sql, name);
      if (watch.observe(seen, performance.now())) {
        const askedAtMs = performance.now();
        const epoch = await takeLease(database.sql, name, seen, { owner, nonce, periodMs: this.#periodMs });
        if (epoch !== undefined) return { name, epoch, nonce, askedAtMs };
      }
      await released;
    }
    return undefined;
  }

  async #hold(held: Won, signal: AbortSignal, lead: (lease: Lease) => Promise<void>): Promise<void> {
    const over = new AbortController();
    const lease = new HeldLease(this.#context, held, AbortSignal.any([signal, over.signal]));
    const renewing = this.#renew(held, over, signal);
    try {
      if (!lease.signal.aborted) await lead(lease);
    } finally {
      over.abort();
      await renewing;
      await lease.release();
    }
  }

  /** Renews until it is over; ends it when another holds it, or when a period went by without (E3). */
  async #renew(held: Won, over: AbortController, signal: AbortSignal): Promise<void> {
    const { database, log } = this.#context;
    const either = AbortSignal.any([signal, over.signal]);
    let renewedAtMs = held.askedAtMs;
    const leftMs = () => renewedAtMs + this.#periodMs - performance.now();
    while (!either.aborted) {
      await sleep(Math.min(this.#periodMs / 3, leftMs()), either);
      if (over.signal.aborted) return;
      try {
        const askedAtMs = performance.now();
        if (!(await withDeadline("a renewal", leftMs(), renewLease(database.sql, held, this.#periodMs))))
          break;
        renewedAtMs = askedAtMs;
      } catch (error) {
        if (leftMs() > 0) continue;
        log.warn("a lease could not be renewed", { lease: held.name, reason: messageOf(error) });
        break;
      }
    }
    over.abort();
  }
}

/** A lease that was won, and when it was asked for: its first period begins there. */
interface Won extends Held {
  readonly askedAtMs: number;
}

class HeldLease implements Lease {
  readonly name: LeaseName;
  readonly epoch: bigint;
  readonly nonce: Id<"lease">;
  readonly signal: AbortSignal;
  readonly #context: LeaseContext;
  readonly #held: Held;

  constructor(context: LeaseContext, held: Held, signal: AbortSignal) {
    this.#context = context;
    this.#held = held;
    this.name = held.name;
    this.epoch = held.epoch;
    this.nonce = held.nonce;
    this.signal = signal;
  }

  /** E1 */
  guard<T>(write: (sql: TransactionSql) => Promise<T>): Promise<T> {
    return this.#context.database.transaction(async (sql) => {
      if (!(await holdLease(sql, this.#held))) throw new LeaseLostError(this.name, this.epoch);
      return write(sql);
    });
  }

  async release(): Promise<void> {
    const { database, hints, log } = this.#context;
    try {
      await releaseLease(database.sql, this.#held);
      await hints.notify(database.sql, RELEASED, this.name);
    } catch (error) {
      log.debug("a lease was not given back", { lease: this.name, reason: messageOf(error) }); // it expires
    }
  }
}
