import { ApiError } from "@berth/http-api";
import { CodedError, messageOf } from "@berth/std";

/** What a person reads when a command failed: what was wrong, then the detail or each field. Without a stack. */
export function showError(error: unknown, verbose: boolean): string {
  const lines = [`error: ${messageOf(error)}`];
  if (error instanceof ApiError) {
    const fields = error.validations.map(({ field, detail }) => `${field}: ${detail}`);
    const saysFields = fields.some((field) => error.detail.includes(field)); // for clients that show no validations
    if (error.detail !== "" && !saysFields) lines.push(`  ${error.detail}`);
    lines.push(...fields.map((field) => `  ${field}`));
    if (error.status === 401) lines.push("  Log in again: `berth login`");
  }
  if (error instanceof AggregateError) lines.push(...error.errors.map((each) => `  ${messageOf(each)}`));
  if (verbose && error instanceof Error) lines.push(error.stack ?? "");
  else if (!(error instanceof CodedError) && error instanceof Error)
    lines.push("  Run it again with --verbose to see where.");
  return lines.join("\n");
}
