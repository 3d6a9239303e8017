import { CodedError } from "@berth/std";

/** The peer broke the protocol: the one error that reading a DERP stream can throw. The connection is to be closed. */
export class DerpProtocolError extends CodedError {
  override readonly name = "DerpProtocolError";
  constructor(message: string, cause?: unknown) {
    super("invalid_argument", `derp: ${message}`, { cause });
  }
}
