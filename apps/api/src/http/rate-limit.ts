import type { Sql } from "@berth/database";
import { databaseIsAway } from "../database-away.ts";
import { deferred, type Deferred } from "@berth/std";

/** What is left of a minute. */
export interface Allowance {
  readonly limit: number;
  readonly used: number;
  /** Until the next minute of the database's clock. */
  readonly resetSeconds: number;
}

type Answer = Pick<Allowance, "used" | "resetSeconds">;

/**
 * Counts requests in one table for all replicas. One statement is under way at a time; what comes meanwhile is counted
 * together in the next, so a burst costs a few statements and not one each.
 */
export class RateLimits {
  readonly #sql: Sql;
  #waiting = new Map<string, Deferred<Answer>[]>();
  #flushing = false;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Counts one request. Undefined while the database is away: what needs it then fails by itself, and the rest goes on. */
  async count(key: string, limit: number): Promise<Allowance | undefined> {
    const answer = deferred<Answer>();
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, [answer]);
    else waiting.push(answer);
    if (!this.#flushing) void this.#flush();
    try {
      return { limit, ...(await answer.promise) };
    } catch (error) {
      if (databaseIsAway(error)) return undefined;
      throw error;
    }
  }

  /** Forgets minutes that are over. */
  async purge(): Promise<void> {
    await this.#sql`delete from api.rate_limit where minute < now() - interval '2 minutes'`;
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    while (this.#waiting.size > 0) {
      const batch = this.#waiting;
      this.#waiting = new Map();
      try {
        await this.#write(batch);
      } catch (error) {
        for (const answers of batch.values()) for (const answer of answers) answer.reject(error);
      }
    }
    this.#flushing = false;
  }

  async #write(batch: ReadonlyMap<string, Deferred<Answer>[]>): Promise<void> {
    // sorted, so that replicas which count the same keys cannot deadlock
    const keys = [...batch.keys()].toSorted();
    const counts = keys.map((key) => batch.get(key)?.length ?? 0);
    const rows = await this.#sql<{ key: string; count: number; reset: number }[]>`
      insert into api.rate_limit as counted (key, minute, count)
      select key, date_trunc('minute', now()), count
      from unnest(${keys}::text[], ${counts}::int[]) as given (key, count)
      on conflict (key, minute) do update set count = counted.count + excluded.count
      returning key, count, ceil(extract(epoch from minute + interval '1 minute' - now()))::int as reset`;
    for (const row of rows) {
      const answers = batch.get(row.key) ?? [];
      answers.forEach((answer, at) =>
        answer.resolve({ used: row.count - answers.length + at + 1, resetSeconds: Math.max(1, row.reset) }),
      );
    }
  }
}
