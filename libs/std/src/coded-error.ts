/** The gRPC status names that a fault may carry. */
export type ErrorCode =
  | "cancelled"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/**
 * A fault of the caller or the world. Its message may be shown to whoever caused it; its cause is logged and never sent.
 * `unavailable` and `aborted` may be retried.
 */
export class CodedError extends Error {
  override readonly name: string = "CodedError";
  readonly code: ErrorCode;
  /** Fields for the log. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; fields?: Record<string, unknown> } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
  }
}

/** The code of anything thrown: `internal` for what is not a CodedError, which is to say a bug. */
export function codeOf(thrown: unknown): ErrorCode {
  return thrown instanceof CodedError ? thrown.code : "internal";
}
