import { CodedError, type ErrorCode } from "@berth/std";
import { databaseIsAway } from "../database-away.ts";

/** A refused follower's plain HTTP answer. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly detail?: string;
}

const STATUSES: Partial<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  unavailable: 503,
  deadline_exceeded: 503,
};

/** What an error means for the client: never 404 or 403 for a fault of ours, which would end its retries for good. */
export function refusalOf(error: unknown): Refusal {
  if (databaseIsAway(error)) return { status: 503, message: "The database does not answer." };
  if (!(error instanceof CodedError)) return { status: 500, message: "An internal error occurred." };
  const detail = detailOf(error);
  return {
    status: STATUSES[error.code] ?? 500,
    message: error.message,
    ...(detail !== undefined && { detail }),
  };
}

/** The HTTP side's errors carry the public error shape as their body. */
function detailOf(error: CodedError): string | undefined {
  if (!("body" in error) || typeof error.body !== "object" || error.body === null) return undefined;
  return "detail" in error.body && typeof error.body.detail === "string" ? error.body.detail : undefined;
}
