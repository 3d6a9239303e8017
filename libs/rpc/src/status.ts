import { Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { CodedError, type ErrorCode } from "@berth/std";

// The one translation between faults and gRPC statuses, both ways.

const CODES: Readonly<Record<ErrorCode, status>> = {
  cancelled: status.CANCELLED,
  invalid_argument: status.INVALID_ARGUMENT,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  permission_denied: status.PERMISSION_DENIED,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  failed_precondition: status.FAILED_PRECONDITION,
  aborted: status.ABORTED,
  out_of_range: status.OUT_OF_RANGE,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
  unavailable: status.UNAVAILABLE,
  data_loss: status.DATA_LOSS,
  unauthenticated: status.UNAUTHENTICATED,
};

const NAMES = new Map<status, ErrorCode>(
  Object.entries(CODES).map(([name, code]) => [code, name as ErrorCode]), // entries of a record keyed by ErrorCode
);

/** Carries `fields.reason`, a word that programs may act on where the code is not enough: `token_revoked`. */
const REASON = "berth-reason";

/** Messages travel in a header, percent-encoded: a longer one would break the call, and proxies allow 8 KiB or so. */
const LONGEST_MESSAGE = 2_000;

/** What goes over the wire for anything thrown. What is not a CodedError is a bug, and nothing of it is told. */
export function statusOf(thrown: unknown): StatusObject {
  const metadata = new Metadata();
  if (!(thrown instanceof CodedError)) return { code: status.INTERNAL, details: "internal error", metadata };
  const { reason } = thrown.fields;
  if (typeof reason === "string" && /^[\w.-]+$/.test(reason)) metadata.set(REASON, reason);
  return { code: CODES[thrown.code], details: shortened(thrown.message), metadata };
}

function shortened(message: string): string {
  return message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE)} …`;
}

/** The fault that a status means; `where` is added to what concerns the way rather than the request. */
export function errorOf(
  failure: Pick<ServiceError, "code" | "details" | "metadata">,
  where: string,
): CodedError {
  const code = NAMES.get(failure.code) ?? "internal";
  const reason = failure.metadata.get(REASON)[0];
  const message = code === "unavailable" ? `${failure.details} (${where})` : failure.details;
  return new CodedError(code, message, {
    cause: failure,
    fields: typeof reason === "string" ? { reason } : {},
  });
}

/** The lower-case name of a code, for metrics. */
export function codeName(code: status): string {
  return code === status.OK ? "ok" : (NAMES.get(code) ?? "unknown");
}
