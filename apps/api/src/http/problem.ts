import { violatesUnique } from "@berth/database";
import { CodedError, messageOf, type ErrorCode } from "@berth/std";
import { type Response, type Validation, codeOfStatus } from "@berth/http-api";
import { databaseIsAway } from "../database-away.ts";

interface ProblemOptions {
  readonly detail?: string;
  readonly validations?: readonly Validation[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A fault of the caller as the public API says it. */
export class Problem extends CodedError {
  override readonly name = "Problem";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Response;

  constructor(status: number, message: string, { detail, validations, headers, cause }: ProblemOptions = {}) {
    super(codeOfStatus(status), message, { cause });
    this.status = status;
    this.headers = headers ?? {};
    this.body = {
      message,
      ...(detail !== undefined && { detail }),
      ...(validations !== undefined && { validations: [...validations] }),
    };
  }
}

/** The one answer for what does not exist and for what the caller may not know to exist. */
export const notFound = () => new Problem(404, "Not found, or not yours to see.");

/** What was found. @throws Problem 404 when nothing was */
export function orNotFound<T>(found: T | undefined): T {
  if (found === undefined) throw notFound();
  return found;
}

export const forbidden = (detail?: string) =>
  new Problem(403, "Your roles do not allow this.", detail === undefined ? {} : { detail });

/** 400 that names the field. */
export const invalid = (field: string, detail: string, message = "Validation failed.") =>
  new Problem(400, message, { validations: [{ field, detail }] });

/** 409 that names the field whose value is taken. */
export const taken = (field: string, message: string) =>
  new Problem(409, message, {
    validations: [{ field, detail: "This value is already in use and should be unique." }],
  });

/** Runs a write, and says `problem` when it fails on the unique index. */
export async function unlessTaken<T>(
  index: string,
  problem: () => Problem,
  write: PromiseLike<T>,
): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (violatesUnique(error, index)) throw problem();
    throw error;
  }
}

const STATUSES: Partial<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  out_of_range: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  aborted: 409,
  failed_precondition: 412,
  resource_exhausted: 429,
  unimplemented: 501,
};

/** What an error says to a client, be it of a request or of an upgrade; undefined for a fault of ours that nobody expected. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (databaseIsAway(error)) return away(error);
  const status = error instanceof CodedError ? STATUSES[error.code] : undefined;
  return status === undefined ? undefined : new Problem(status, messageOf(error), { cause: error });
}

/** 503: a Postgres that failed over is back within seconds. Never 404 or 403, which end a client's retries for good. */
const away = (cause: unknown) =>
  new Problem(503, "The control plane cannot reach its database just now.", {
    detail: "Try again in a moment.",
    headers: { "retry-after": "2" },
    cause,
  });
