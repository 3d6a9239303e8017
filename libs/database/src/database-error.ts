import { CodedError } from "@berth/std";

/** The connection to Postgres failed, or Postgres refuses to work on it now. A later try may succeed. */
export class DatabaseError extends CodedError {
  override readonly name = "DatabaseError";
  /** Postgres' own code, when it gave one. */
  readonly sqlState: string | undefined;

  constructor(message: string, options: { sqlState?: string; cause?: unknown } = {}) {
    super("unavailable", message, { cause: options.cause });
    this.sqlState = options.sqlState;
  }

  /** Whether what we were told to connect with is wrong: waiting does not mend it. */
  get isRefusal(): boolean {
    return this.sqlState !== undefined && REFUSALS.has(this.sqlState);
  }
}

/** invalid_authorization_specification, invalid_password, invalid_catalog_name */
const REFUSALS: ReadonlySet<string> = new Set(["28000", "28P01", "3D000"]);

/** SQLSTATEs after which a connection is of no use, with what they mean. */
const FATAL: ReadonlyMap<string, string> = new Map([
  ["25006", "Postgres is read-only (a standby, or demoted)"],
  ["57P01", "Postgres is shutting down"],
  ["57P02", "Postgres crashed and recovers"],
  ["57P03", "Postgres is starting up"],
  ["53300", "Postgres has no connection left (max_connections)"],
  ["28000", "Postgres refuses the user"],
  ["28P01", "Postgres refuses the password"],
  ["3D000", "Postgres has no such database"],
]);

/** The fault that a server's error means for the whole connection; undefined when it concerns one statement only. */
export function connectionFault(sqlState: string, message: string): DatabaseError | undefined {
  const meaning = FATAL.get(sqlState);
  return meaning === undefined ? undefined : new DatabaseError(`${meaning}: ${message}`, { sqlState });
}

/** Postgres' code of an error it answered a statement with. */
export function sqlStateOf(thrown: unknown): string | undefined {
  if (thrown instanceof DatabaseError) return thrown.sqlState;
  if (!(thrown instanceof Error) || !("code" in thrown) || typeof thrown.code !== "string") return undefined;
  return /^[0-9A-Z]{5}$/.test(thrown.code) ? thrown.code : undefined;
}

/** Whether a statement failed on a unique index: any, or the named one. */
export function violatesUnique(thrown: unknown, index?: string): boolean {
  if (sqlStateOf(thrown) !== "23505") return false;
  return (
    index === undefined ||
    (thrown instanceof Error && "constraint_name" in thrown && thrown.constraint_name === index)
  );
}
