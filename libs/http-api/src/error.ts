import { CodedError, type ErrorCode } from "@berth/std";
import type { Static } from "typebox";
import { list, object, optional, shape, text } from "./shape.ts";

/** One field of a request that was wrong. */
export const Validation = object({ field: text(), detail: text() });
export type Validation = Static<typeof Validation>;

/** The body of every answer that is no success, and of those that have nothing else to say. */
export const Response = shape("Response", {
  message: text(),
  detail: optional(text()),
  validations: optional(list(Validation)),
});
export type Response = Static<typeof Response>;

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "already_exists",
  410: "not_found",
  412: "failed_precondition",
  413: "invalid_argument",
  429: "resource_exhausted",
  501: "unimplemented",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/** The code that a status of an answer stands for. */
export const codeOfStatus = (status: number): ErrorCode => CODES[status] ?? "internal";

/** The plane answered with an error. */
export class ApiError extends CodedError {
  override readonly name = "ApiError";
  readonly status: number;
  readonly detail: string;
  readonly validations: readonly Validation[];

  constructor(status: number, body: Response) {
    super(codeOfStatus(status), body.message, { fields: { status, detail: body.detail } });
    this.status = status;
    this.detail = body.detail ?? "";
    this.validations = body.validations ?? [];
  }
}
