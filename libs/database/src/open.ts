import { type CodedError, messageOf, Secret, sleep } from "@berth/std";
import type { Logger } from "@berth/telemetry";
import { parseAddress, type DatabaseAddress } from "./address.ts";
import { Connector } from "./connector.ts";
import type { Database } from "./database.ts";
import { DatabaseError } from "./database-error.ts";
import { wrong } from "./mistake.ts";
import { PooledDatabase } from "./pooled-database.ts";
import { isPooled } from "./pooler.ts";

/** How a process opens the database. */
export interface OpenDatabaseOptions {
  /** A connection URL, or an address as the configuration gave it. */
  readonly address: string | DatabaseAddress;
  /** Where LISTEN works when `address` is a pooler in transaction mode. */
  readonly direct?: DatabaseAddress | undefined;
  /** The most connections of this process, the listener's included; 10 unless told. */
  readonly maxConnections?: number;
  readonly log: Logger;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  /** How long to wait for a Postgres that is not there yet; 30 s unless told. */
  readonly patienceMs?: number;
}

/** A Database that can be closed. */
export type OpenDatabase = Database & AsyncDisposable;

/**
 * Opens the pool and the listener, waiting a while for a Postgres that starts up beside us.
 * @throws DatabaseError naming variable, host and port; ConfigError at once when user, password or database are refused.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<OpenDatabase> {
  const { log, maxConnections = 10, applicationName = "berth", patienceMs = 30_000 } = options;
  const address =
    typeof options.address === "string"
      ? parseAddress(new Secret(options.address), "the connection URL")
      : options.address;
  const connector = new Connector(address, applicationName);
  const pooled = await whenThere(() => isPooled(connector), { address, log, patienceMs });
  const ears = pooled ? direct(options, applicationName) : connector;
  if (pooled) log.warn(pooledMessage(ears !== undefined));
  const database = new PooledDatabase(connector, { max: maxConnections, pooled, ears, log });
  await database.start();
  return database;
}

function direct({ direct }: OpenDatabaseOptions, applicationName: string): Connector | undefined {
  return direct === undefined ? undefined : new Connector(direct, applicationName);
}

function pooledMessage(hasDirect: boolean): string {
  const found = "Postgres is behind a pooler in transaction mode, where LISTEN does not work";
  return hasDirect
    ? `${found}: listening over CODER_PG_DIRECT_URL`
    : `${found}: polling each second instead; set CODER_PG_DIRECT_URL to Postgres itself`;
}

interface Waiting {
  readonly address: DatabaseAddress;
  readonly log: Logger;
  readonly patienceMs: number;
}

async function whenThere<T>(attempt: () => Promise<T>, { address, log, patienceMs }: Waiting): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (let said = -Infinity; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (error.isRefusal || performance.now() > giveUpAt) throw explained(error, address);
      if (performance.now() - said > 5_000) {
        log.warn("waiting for Postgres", { variable: address.variable, reason: messageOf(error) });
        said = performance.now();
      }
    }
    await sleep(500);
  }
}

/** One sentence for the operator: which variable, where it leads, what it said, what to do. Never the password. */
function explained(
  error: DatabaseError,
  { variable, host, port, user, database }: DatabaseAddress,
): CodedError {
  const what = `it leads to ${user}@${host}:${port}/${database}, and ${messageOf(error)}`;
  if (error.isRefusal) return wrong(variable, what, `Correct ${variable}, or make that user and database`);
  const mend = `Start that Postgres, open the way to it, or correct ${variable}`;
  return new DatabaseError(`${variable}: ${what}. ${mend}`, { cause: error });
}
