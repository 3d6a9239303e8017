import type { Handles } from "./handles.ts";
import type { PacketReader } from "./packet.ts";

/** What requests of one client share. */
export interface SftpContext {
  readonly handles: Handles;
  /** Where relative paths begin. */
  readonly folder: string;
  readonly home: string;
  /** OpenSSH's client has the two paths of a symlink request the other way round than the draft. */
  readonly targetFirst: boolean;
}

/** Answers one request with one packet, or throws what `failureOf` understands. */
export type Request = (context: SftpContext, fields: PacketReader, id: number) => Promise<Buffer>;

const SLASH = Buffer.from("/");

/** The absolute form of a path of the client's; bytes stay as they are. */
export function absolute(context: SftpContext, path: Buffer): Buffer {
  if (path[0] === SLASH[0]) return path;
  const base = Buffer.from(context.folder);
  return path.length === 0 ? base : Buffer.concat([base, SLASH, path]);
}

/** Reads the next field as a path. */
export const pathOf = (context: SftpContext, fields: PacketReader): Buffer =>
  absolute(context, fields.string());
