import { link, lstat, readlink, realpath, rename, stat, symlink, unlink } from "node:fs/promises";
import { posix } from "node:path";
import { applyToLink, applyToPath, readAttributes } from "./attributes.ts";
import { errnoOf } from "./failure.ts";
import { SftpError, Status } from "./protocol.ts";
import { attributesReply, doneReply, pathReply } from "./reply.ts";
import { absolute, pathOf, type Request } from "./request.ts";

export const statPath: Request = async (context, fields, id) =>
  attributesReply(id, await stat(pathOf(context, fields), { bigint: true }));

export const statLink: Request = async (context, fields, id) =>
  attributesReply(id, await lstat(pathOf(context, fields), { bigint: true }));

export const setStatPath: Request = async (context, fields, id) => {
  const path = pathOf(context, fields);
  await applyToPath(path, readAttributes(fields));
  return doneReply(id);
};

export const setStatLink: Request = async (context, fields, id) => {
  const path = pathOf(context, fields);
  await applyToLink(path, readAttributes(fields));
  return doneReply(id);
};

export const removeFile: Request = async (context, fields, id) => {
  await unlink(pathOf(context, fields));
  return doneReply(id);
};

/** The plain rename of version 3 never replaces: a hard link tells atomically whether the name is taken. */
export const renameNew: Request = async (context, fields, id) => {
  const from = pathOf(context, fields);
  const to = pathOf(context, fields);
  if (!(await lstat(from)).isFile() || !(await moveByLink(from, to))) await moveIfFree(from, to);
  return doneReply(id);
};

/** False where the file system has no hard links. */
async function moveByLink(from: Buffer, to: Buffer): Promise<boolean> {
  try {
    await link(from, to);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "EPERM" || code === "EOPNOTSUPP" || code === "ENOSYS" || code === "EXDEV") return false;
    throw error;
  }
  await unlink(from);
  return true;
}

async function moveIfFree(from: Buffer, to: Buffer): Promise<void> {
  if (await exists(to)) throw new SftpError(Status.failure, "the new name exists already");
  await rename(from, to);
}

async function exists(path: Buffer): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** What OpenSSH's clients ask for instead: rename(2), which replaces. */
export const renameOver: Request = async (context, fields, id) => {
  await rename(pathOf(context, fields), pathOf(context, fields));
  return doneReply(id);
};

export const hardLink: Request = async (context, fields, id) => {
  await link(pathOf(context, fields), pathOf(context, fields));
  return doneReply(id);
};

export const readLink: Request = async (context, fields, id) =>
  pathReply(id, await readlink(pathOf(context, fields), { encoding: "buffer" }));

export const makeLink: Request = async (context, fields, id) => {
  const [first, second] = [fields.string(), fields.string()];
  const [target, path] = context.targetFirst ? [first, second] : [second, first];
  await symlink(target, absolute(context, path)); // the target stays as it is written
  return doneReply(id);
};

export const realPath: Request = async (context, fields, id) =>
  pathReply(id, await resolved(pathOf(context, fields)));

/** `~` and `~/…` of this user; scp asks for it before each transfer to such a path. */
export const expandPath: Request = async (context, fields, id) => {
  const path = fields.text();
  if (!path.startsWith("~")) return pathReply(id, await resolved(absolute(context, Buffer.from(path))));
  const [user, ...rest] = path.slice(1).split("/");
  if (user !== "")
    throw new SftpError(Status.failure, `the home of another user is not known: ~${user ?? ""}`);
  return pathReply(id, await resolved(Buffer.from(posix.join(context.home, ...rest))));
};

/** The real path; where its end does not exist yet, the real path of the folder and the name. */
async function resolved(path: Buffer): Promise<Buffer> {
  try {
    return await realpath(path, { encoding: "buffer" });
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  const plain = posix.normalize(path.toString("latin1")); // one byte, one character: nothing is lost
  const folder = await realpath(Buffer.from(posix.dirname(plain), "latin1"), { encoding: "buffer" });
  return Buffer.concat([
    folder.equals(Buffer.from("/")) ? Buffer.alloc(0) : folder,
    Buffer.from("/"),
    Buffer.from(posix.basename(plain), "latin1"),
  ]);
}
