import { violatesUnique } from "@berth/database";
import { CodedError, type ErrorCode } from "@berth/std";
import type { Response, Validation } from "@berth/http-api";

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "already_exists",
  412: "failed_precondition",
  413: "invalid_argument",
  429: "resource_exhausted",
  503: "unavailable",
};

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
    super(CODES[status] ?? "internal", message, { cause });
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
export const notFound = () =>
  new Problem(404, "Resource not found or you do not have access to this resource");

export const forbidden = (detail?: string) =>
  new Problem(403, "You don't have permission to do this.", detail === undefined ? {} : { detail });

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
