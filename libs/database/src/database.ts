import type postgres from "postgres";

/** The pool's statements: `bigint` columns and parameters are `bigint` here; everything else as postgres.js has it. */
export type Sql = postgres.Sql<{ bigint: bigint }>;
/** The statements of one transaction. */
export type TransactionSql = postgres.TransactionSql<{ bigint: bigint }>;

/** Anything a statement can be run on: the pool, or the transaction it belongs to. */
export type Queryable = Sql | TransactionSql;

/** The only door to Postgres. */
export interface Database {
  /** The pool. Statements have a client-side deadline; a connection that turned read-only is dropped. */
  readonly sql: Sql;
  /** Runs `work` in one transaction; a serialization failure or deadlock is retried. */
  transaction<T>(work: (sql: TransactionSql) => Promise<T>): Promise<T>;
  /** Runs `work` on one connection of its own without the deadline: for migrations and long purges. */
  patiently<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Calls back for each NOTIFY on the channel, and with `dropped` whenever notifications may have been missed (after a
   * re-connect): the caller re-reads. Resolves once listening.
   */
  listen(channel: string, hear: (hint: Notification) => void): Promise<Disposable>;
  /** Median round trip of the last probes, in milliseconds; undefined while the database does not answer. */
  readonly roundTripMs: number | undefined;
  /** Whether the last probe was answered. */
  readonly reachable: boolean;
  /** For how long every probe has been answered, by our own monotonic clock: whoever judges others waits for a period of it. */
  readonly answeringForMs: number;
  /** The most connections this process holds. */
  readonly maxConnections: number;
  /** Those of the pool that are open now, and those of them that a statement or transaction runs on. */
  connections(): { readonly open: number; readonly inUse: number };
}

/** A hint that something changed. It carries at most an id; the table is the truth. */
export type Notification =
  { readonly kind: "notified"; readonly payload: string } | { readonly kind: "dropped" };
