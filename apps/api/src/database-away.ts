import { Backoff, CodedError, sleep } from "@berth/std";

const AWAY_CODES = new Set(["unavailable", "deadline_exceeded"]);
// Connection faults, shutdown or a canceled statement, no room, a lock not had, read-only after a failover; Node's and the
// driver's own names for a lost connection.
const AWAY_STATES = /^(08|57|53|55P03|25006|E[A-Z]{3,}|CONNECT|CONNECTION)/;

/** Whether a statement failed because the database could not be reached or could not write: not the statement's fault. */
export function databaseIsAway(error: unknown): boolean {
  if (error instanceof CodedError) return AWAY_CODES.has(error.code);
  if (typeof error !== "object" || error === null || !("code" in error)) return false;
  return typeof error.code === "string" && AWAY_STATES.test(error.code);
}

/**
 * Runs a transaction until the database has taken it: an outage delays it and fails nothing. Ends early, with the last error,
 * when the signal is aborted.
 */
export async function untilCommitted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const backoff = new Backoff({ firstMs: 50, maxMs: 2_000 });
  while (true) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !databaseIsAway(error)) throw error;
      await sleep(backoff.nextMs(), signal);
    }
  }
}
