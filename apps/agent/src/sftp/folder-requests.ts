import type { Dir, Dirent } from "node:fs";
import { lstat, mkdir, opendir, rmdir } from "node:fs/promises";
import { readAttributes } from "./attributes.ts";
import { errnoOf } from "./failure.ts";
import { Status } from "./protocol.ts";
import { doneReply, entriesReply, type FolderEntry, handleReply, statusReply } from "./reply.ts";
import { pathOf, type Request } from "./request.ts";

const ENTRIES_PER_REPLY = 100;

export const openFolder: Request = async (context, fields, id) => {
  const path = pathOf(context, fields);
  const handle = await context.handles.add(async () => ({
    kind: "folder",
    folder: await openRaw(path),
    path,
  }));
  return handleReply(id, handle);
};

/** Names as bytes: Node's types know this encoding of readdir, not of opendir, which takes it all the same. */
const openRaw = (path: Buffer): Promise<Dir> => opendir(path, { encoding: "buffer" as BufferEncoding });

export const readFolder: Request = async (context, fields, id) => {
  const { folder, path } = context.handles.folder(fields.string());
  const entries: FolderEntry[] = [];
  while (entries.length < ENTRIES_PER_REPLY) {
    const next: Dirent | null = await folder.read();
    if (next === null) break;
    const entry = await entryOf(path, Buffer.from(next.name));
    if (entry !== undefined) entries.push(entry);
  }
  return entries.length === 0
    ? statusReply(id, Status.endOfFile, "no more entries")
    : entriesReply(id, entries);
};

/** Nothing when the entry has gone since the folder was read. */
async function entryOf(folder: Buffer, name: Buffer): Promise<FolderEntry | undefined> {
  try {
    const path = Buffer.concat([folder, Buffer.from("/"), name]);
    return { name, stats: await lstat(path, { bigint: true }) };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

export const makeFolder: Request = async (context, fields, id) => {
  const path = pathOf(context, fields);
  await mkdir(path, { mode: (readAttributes(fields).permissions ?? 0o777) & 0o7777 });
  return doneReply(id);
};

export const removeFolder: Request = async (context, fields, id) => {
  await rmdir(pathOf(context, fields));
  return doneReply(id);
};
