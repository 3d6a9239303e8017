import type { BigIntStats } from "node:fs";
import { chmod, chown, lchown, lutimes, truncate, utimes, type FileHandle } from "node:fs/promises";
import type { PacketReader, PacketWriter } from "./packet.ts";
import { AttributeFlag } from "./protocol.ts";

/** What a client asks a file to have. Times in Unix seconds. */
export interface Attributes {
  readonly size?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly permissions?: number;
  readonly times?: { readonly accessed: number; readonly modified: number };
}

/** Reads an attribute block; its extended pairs are passed over. */
export function readAttributes(reader: PacketReader): Attributes {
  const flags = reader.uint32();
  const size = (flags & AttributeFlag.size) !== 0 ? { size: Number(reader.uint64()) } : {};
  const owner =
    (flags & AttributeFlag.owner) !== 0 ? { owner: { uid: reader.uint32(), gid: reader.uint32() } } : {};
  const permissions = (flags & AttributeFlag.permissions) !== 0 ? { permissions: reader.uint32() } : {};
  const times =
    (flags & AttributeFlag.times) !== 0
      ? { times: { accessed: reader.uint32(), modified: reader.uint32() } }
      : {};
  if ((flags & AttributeFlag.extended) !== 0)
    for (let strings = 2 * reader.uint32(); strings > 0; strings -= 1) reader.string();
  return { ...size, ...owner, ...permissions, ...times };
}

/** Writes all that a stat knows. */
export function writeAttributes(writer: PacketWriter, stats: BigIntStats): PacketWriter {
  return writer
    .uint32(AttributeFlag.size | AttributeFlag.owner | AttributeFlag.permissions | AttributeFlag.times)
    .uint64(stats.size)
    .uint32(Number(stats.uid))
    .uint32(Number(stats.gid))
    .uint32(Number(stats.mode))
    .uint32(Number(stats.atimeMs / 1000n))
    .uint32(Number(stats.mtimeMs / 1000n));
}

/** Gives a path, or what a link at it points to, the attributes. The size goes first: it would change the time. */
export async function applyToPath(path: Buffer, wanted: Attributes): Promise<void> {
  if (wanted.size !== undefined) await truncate(path, wanted.size);
  if (wanted.permissions !== undefined) await chmod(path, wanted.permissions & 0o7777);
  if (wanted.times !== undefined) await utimes(path, wanted.times.accessed, wanted.times.modified);
  if (wanted.owner !== undefined) await chown(path, wanted.owner.uid, wanted.owner.gid);
}

/** Gives a link itself the attributes; Linux has no permissions of links. */
export async function applyToLink(path: Buffer, wanted: Attributes): Promise<void> {
  if (wanted.times !== undefined) await lutimes(path, wanted.times.accessed, wanted.times.modified);
  if (wanted.owner !== undefined) await lchown(path, wanted.owner.uid, wanted.owner.gid);
}

/** Gives an open file the attributes. */
export async function applyToFile(file: FileHandle, wanted: Attributes): Promise<void> {
  if (wanted.size !== undefined) await file.truncate(wanted.size);
  if (wanted.permissions !== undefined) await file.chmod(wanted.permissions & 0o7777);
  if (wanted.times !== undefined) await file.utimes(wanted.times.accessed, wanted.times.modified);
  if (wanted.owner !== undefined) await file.chown(wanted.owner.uid, wanted.owner.gid);
}
