import { ApiError } from "@berth/http-api";
import { CodedError } from "@berth/std";

/** What the plane answers. @throws CodedError not_found that says `missing` when there is no such thing. */
export async function orNotFound<T>(answer: Promise<T>, missing: string): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status !== 404) throw cause;
    throw new CodedError("not_found", missing, { cause });
  }
}
