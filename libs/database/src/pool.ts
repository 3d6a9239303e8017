import postgres from "postgres";
import { deferred, sleep } from "@berth/std";
import type { DatabaseAddress } from "./address.ts";
import type { Sql, TransactionSql } from "./database.ts";
import { DatabaseError } from "./database-error.ts";
import { DatabaseSocket, type LostAt } from "./database-socket.ts";
import { runTransaction, type Reserved } from "./transaction.ts";

/** A statement that hears nothing for so long has lost its connection. */
const SILENCE_MS = 30_000;

/**
 * What the server is told of each session: one whose client is gone, or frozen in a transaction, must not hold its locks.
 * Not through a pooler in transaction mode, which refuses parameters it does not know.
 */
const SESSION = {
  idle_in_transaction_session_timeout: 30_000,
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
};

/** How a pool is to be. */
export interface PoolOptions {
  readonly max: number;
  readonly applicationName: string;
  /** Without the deadline on statements. */
  readonly patient?: boolean;
  /** Behind a pooler in transaction mode: no prepared statements, no session parameters. */
  readonly pooled?: boolean;
}

/** One pool of the driver's, with the sockets under it. */
interface Generation {
  readonly driver: Sql;
  readonly sockets: Set<DatabaseSocket>;
  /** Why its server could not be reached: whatever waits in its queue is told so. */
  unreachable: DatabaseError | undefined;
  /** Why another took its place. */
  retired: DatabaseError | undefined;
  /** Ends each wait for a connection of one's own. */
  readonly waiting: Set<(fault: DatabaseError) => void>;
}

/**
 * A pool that survives the loss of connections, which the driver's does not:
 *   D1  A connection lost between a statement and its write keeps the bytes and never writes again, not even to log in.
 *   D2  One that fails while somebody waits to reserve one forgets who waits, or is later given to somebody who has gone.
 * So each of these retires the driver's whole pool: what runs on it ends there, who waits is told, and every later statement
 * goes to a fresh one.
 */
export class Pool {
  /** Statements on the pool of the moment; `begin` runs our own transactions. */
  readonly sql: Sql;
  readonly #address: DatabaseAddress;
  readonly #options: PoolOptions;
  readonly #onEnd: () => void;
  readonly #all = new Set<DatabaseSocket>();
  #current: Generation;
  #ended = false;

  constructor(address: DatabaseAddress, options: PoolOptions, onEnd: () => void) {
    this.#address = address;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#current = this.#generation();
    this.sql = this.#proxy();
  }

  /** The sockets that are open. */
  get sockets(): ReadonlySet<DatabaseSocket> {
    return this.#all;
  }

  begin<T>(options: string, work: (sql: TransactionSql) => Promise<T>): Promise<T> {
    const generation = this.#current;
    const find = (pid: number) => [...generation.sockets].find((socket) => socket.backendPid === pid);
    return runTransaction(() => reserve(generation), find, options, work);
  }

  /** Lets what runs finish for a while. (The driver's own end waits for ever on a connection once lost in a statement.) */
  async end(graceMs = 2_000): Promise<void> {
    this.#ended = true;
    const waiting = new AbortController();
    const ended = this.#current.driver.end();
    const emptied = [...this.#all].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    await Promise.race([ended, Promise.all(emptied), sleep(graceMs, waiting.signal)]);
    waiting.abort();
    for (const socket of this.#all)
      socket.destroy(new DatabaseError("the connections to Postgres were closed"));
    this.#onEnd();
  }

  #generation(): Generation {
    const { max, patient = false, pooled = false, applicationName } = this.#options;
    const { host, port, user, database, password, parameters } = this.#address;
    const sockets = new Set<DatabaseSocket>();
    const driver = postgres({
      ...{ host, port, user, database, max, password: () => password.value },
      ssl: false, // the socket has it
      idle_timeout: 20,
      connect_timeout: 10,
      backoff: () => 0, // each dial has a statement that waits for it: whoever tries again has a pause of their own
      prepare: !pooled,
      types: { bigint: postgres.BigInt },
      onnotice: () => undefined,
      connection: { application_name: applicationName, ...(pooled ? {} : SESSION), ...parameters },
      // Not in the driver's types. One statement at a time on each connection: pipelined ones would share its fate,
      // and a transaction would wait for a connection to have none left.
      ...{ max_pipeline: 0, socket: () => this.#socket(generation, patient ? undefined : SILENCE_MS) },
    });
    const generation: Generation = {
      driver,
      sockets,
      unreachable: undefined,
      retired: undefined,
      waiting: new Set(),
    };
    return generation;
  }

  #socket(generation: Generation, silenceMs: number | undefined): DatabaseSocket {
    const onLost = (fault: DatabaseError, at: LostAt) => {
      if (at === "dialing") generation.unreachable = fault;
      if (at !== "log-in" || generation.waiting.size > 0) this.#retire(generation, fault); // D1, D2
    };
    const fault = generation.unreachable;
    const socket = new DatabaseSocket(this.#address, { silenceMs, onLost, fault });
    if (generation.retired !== undefined) socket.retire(generation.retired);
    for (const set of [this.#all, generation.sockets]) {
      set.add(socket);
      socket.once("close", () => set.delete(socket));
    }
    return socket;
  }

  #retire(generation: Generation, fault: DatabaseError): void {
    if (!this.#ended && generation === this.#current) this.#current = this.#generation();
    generation.retired ??= fault;
    for (const end of [...generation.waiting]) end(fault);
    for (const socket of generation.sockets) socket.retire(fault);
  }

  #proxy(): Sql {
    type Work = (sql: TransactionSql) => unknown;
    const begin = (first: string | Work, second?: Work) => {
      const options = typeof first === "string" ? first : "";
      const work = typeof first === "string" ? second : first;
      return this.begin(options, (sql) => Promise.resolve(work?.(sql)));
    };
    return new Proxy(this.#current.driver, {
      apply: (_, self, args: unknown[]) => Reflect.apply(this.#current.driver, self, args) as unknown,
      get: (_, key) => (key === "begin" ? begin : (Reflect.get(this.#current.driver, key) as unknown)),
    });
  }
}

/** A connection of the caller's own, or the fault for which its pool was retired meanwhile. */
async function reserve({ driver, waiting }: Generation): Promise<Reserved> {
  const ended = deferred<never>();
  waiting.add(ended.reject);
  const reserving = driver.reserve();
  try {
    return await Promise.race([reserving, ended.promise]);
  } catch (error) {
    reserving.then(
      (late) => late.release(),
      () => undefined, // told just now
    );
    throw error;
  } finally {
    waiting.delete(ended.reject);
  }
}
