import type postgres from "postgres";
import type { TransactionSql } from "./database.ts";
import { DatabaseError } from "./database-error.ts";

// The driver's own `begin` goes on using its connection after it was lost: a late statement, or its rollback, then throws
// where nobody catches it, or runs on whatever session the connection has become. So here:
//   T1  A transaction belongs to one socket; with the socket gone no statement of it leaves this process.
//   T2  A transaction whose commit the server turns into a rollback fails.

/** A connection of the caller's own. */
export type Reserved = postgres.ReservedSql<{ bigint: bigint }>;

/** The socket under a connection, found by the backend's pid as the server told it. */
export type FindSocket = (pid: number) => { readonly destroyed: boolean } | undefined;

/** Runs `work` between begin and commit on one connection. */
export async function runTransaction<T>(
  reserve: () => Promise<Reserved>,
  findSocket: FindSocket,
  options: string,
  work: (sql: TransactionSql) => Promise<T>,
): Promise<T> {
  const reserved = await reserve();
  const begun = await begin(reserved, options);
  const socket = findSocket(begun.state.pid);
  const isLost = () => socket === undefined || socket.destroyed;
  try {
    const answer = await work(guarded(reserved, isLost));
    assertConnected(isLost);
    const { command } = await reserved.unsafe("commit");
    if (command !== "COMMIT") throw new Error("committing: a statement of this transaction had failed"); // T2
    return answer;
  } catch (error) {
    if (!isLost()) await rollBack(reserved, error);
    throw error;
  } finally {
    if (!isLost()) reserved.release();
  }
}

async function begin(reserved: Reserved, options: string) {
  try {
    return await reserved.unsafe(`begin ${options.replace(/[^a-z ]/gi, "")}`);
  } catch (error) {
    if (!(error instanceof DatabaseError)) reserved.release(); // a connection that was lost is no longer reserved
    throw error;
  }
}

async function rollBack(reserved: Reserved, cause: unknown): Promise<void> {
  try {
    await reserved.unsafe("rollback");
  } catch (error) {
    if (!(error instanceof DatabaseError))
      throw new AggregateError([error, cause], "rolling back", { cause });
  }
}

/** T1 */
function assertConnected(isLost: () => boolean): void {
  if (isLost()) throw new DatabaseError("the transaction's connection to Postgres was lost");
}

/** The reserved connection's statements, refused once it is lost, with savepoints. */
function guarded(reserved: Reserved, isLost: () => boolean): TransactionSql {
  let savepoints = 0;
  type Work = (sql: TransactionSql) => unknown;
  const savepoint = async (first: string | Work, second?: Work): Promise<unknown> => {
    const work = typeof first === "string" ? second : first;
    const name = `s${(savepoints += 1)}`;
    await tx.unsafe(`savepoint ${name}`);
    try {
      return await work?.(tx);
    } catch (error) {
      if (!isLost()) await tx.unsafe(`rollback to ${name}`);
      throw error;
    }
  };
  const unsafe: Reserved["unsafe"] = (...args) => {
    assertConnected(isLost);
    return reserved.unsafe(...args);
  };
  const tx = new Proxy(reserved, {
    apply(target, self, args: unknown[]) {
      const [strings] = args;
      const isStatement = Array.isArray(strings) && "raw" in strings;
      if (isStatement) assertConnected(isLost);
      return Reflect.apply(target, self, args) as unknown;
    },
    get(target, key) {
      if (key === "unsafe") return unsafe;
      if (key === "savepoint") return savepoint;
      return Reflect.get(target, key) as unknown;
    },
  }) as unknown as TransactionSql; // the proxy answers what a ReservedSql lacks
  return tx;
}
