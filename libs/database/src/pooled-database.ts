import { setTimeout as delay } from "node:timers/promises";
import { Backoff, Scope } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import type { Connector } from "./connector.ts";
import type { Database, Notification, Sql, TransactionSql } from "./database.ts";
import { sqlStateOf } from "./database-error.ts";
import { Listener } from "./listener.ts";
import type { Pool } from "./pool.ts";
import { Poller } from "./poller.ts";
import { Probes } from "./probes.ts";

/** serialization_failure, deadlock_detected */
const RETRIED: ReadonlySet<string> = new Set(["40001", "40P01"]);
const ATTEMPTS = 10;

/** How the database is opened once its kind is known. */
export interface PooledDatabaseOptions {
  /** The listener's connection counts. */
  readonly max: number;
  /** Behind a pooler in transaction mode. */
  readonly pooled: boolean;
  /** Where LISTEN works, if anywhere. */
  readonly ears: Connector | undefined;
  readonly log: Logger;
}

/** The Database over a pool and a listener. */
export class PooledDatabase implements Database, AsyncDisposable {
  readonly maxConnections: number;
  readonly #connector: Connector;
  readonly #pooled: boolean;
  readonly #pool: Pool;
  readonly #probes = new Probes();
  readonly #scope = new Scope();
  readonly #ears: Listener | Poller;

  constructor(connector: Connector, { max, pooled, ears, log }: PooledDatabaseOptions) {
    this.maxConnections = max;
    this.#connector = connector;
    this.#pooled = pooled;
    this.#pool = connector.pool({ max: Math.max(1, ears === undefined ? max : max - 1), pooled });
    this.#scope.add("pool", () => this.#pool.end());
    this.#ears =
      ears === undefined
        ? new Poller(this.#pool.sql, this.#probes, log)
        : new Listener(ears, this.#probes, (fault) => connector.dropAll(fault), log);
    this.#scope.use("ears", this.#ears);
  }

  /** Resolves once notifications are heard. */
  async start(): Promise<void> {
    if (this.#ears instanceof Listener) await this.#ears.start();
  }

  get sql(): Sql {
    return this.#pool.sql;
  }

  get roundTripMs(): number | undefined {
    return this.#probes.roundTripMs;
  }

  get reachable(): boolean {
    return this.#probes.reachable;
  }

  get answeringForMs(): number {
    return this.#probes.answeringForMs;
  }

  connections(): { readonly open: number; readonly inUse: number } {
    const sockets = [...this.#pool.sockets];
    return { open: sockets.length, inUse: sockets.filter(({ isIdle }) => !isIdle).length };
  }

  listen(channel: string, hear: (hint: Notification) => void): Promise<Disposable> {
    return this.#ears.listen(channel, hear);
  }

  async transaction<T>(work: (sql: TransactionSql) => Promise<T>): Promise<T> {
    const backoff = new Backoff({ firstMs: 10, maxMs: 500 });
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#pool.begin("", work);
      } catch (error) {
        if (attempt === ATTEMPTS || !RETRIED.has(sqlStateOf(error) ?? "")) throw error;
        await delay(backoff.nextMs());
      }
    }
  }

  async patiently<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const pool = this.#connector.pool({ max: 1, patient: true, pooled: this.#pooled });
    try {
      return await work(pool.sql);
    } finally {
      await pool.end(0);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope.close();
  }
}
