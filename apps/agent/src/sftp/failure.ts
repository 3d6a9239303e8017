import { messageOf } from "@berth/std";
import { SftpError, Status, type StatusCode } from "./protocol.ts";

/** What OpenSSH's server answers for each error of the system; everything else is a plain failure. */
const STATUS_OF: Readonly<Record<string, StatusCode>> = {
  ENOENT: Status.noSuchFile,
  EBADF: Status.noSuchFile,
  ELOOP: Status.noSuchFile,
  EPERM: Status.permissionDenied,
  EACCES: Status.permissionDenied,
  EFAULT: Status.permissionDenied,
  ENAMETOOLONG: Status.badMessage,
  EINVAL: Status.badMessage,
  ENOSYS: Status.unsupported,
  EOPNOTSUPP: Status.unsupported,
};

/** The status and words for anything that a request has thrown. */
export function failureOf(thrown: unknown): { readonly status: StatusCode; readonly message: string } {
  if (thrown instanceof SftpError) return { status: thrown.status, message: thrown.message };
  const code = errnoOf(thrown);
  return {
    status: (code === undefined ? undefined : STATUS_OF[code]) ?? Status.failure,
    message: messageOf(thrown),
  };
}

/** The system's name of the error ("ENOENT"), when it came from the system. */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
