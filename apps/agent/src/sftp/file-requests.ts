import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { applyToFile, readAttributes } from "./attributes.ts";
import { MAX_TRANSFER_BYTES, OpenFlag, Packet, SftpError, Status } from "./protocol.ts";
import { attributesReply, doneReply, handleReply, statusReply } from "./reply.ts";
import { pathOf, type Request } from "./request.ts";

/** The flags of open(2) for an open request's bits; scp's WRITE|CREATE has no name among Node's flag strings. */
export function openFlags(wanted: number): number {
  const has = (flag: number) => (wanted & flag) !== 0;
  const access =
    has(OpenFlag.read) && has(OpenFlag.write)
      ? constants.O_RDWR
      : has(OpenFlag.write) || has(OpenFlag.append)
        ? constants.O_WRONLY
        : constants.O_RDONLY;
  return (
    access |
    (has(OpenFlag.append) ? constants.O_APPEND : 0) |
    (has(OpenFlag.create) ? constants.O_CREAT : 0) |
    (has(OpenFlag.truncate) ? constants.O_TRUNC : 0) |
    (has(OpenFlag.exclusive) ? constants.O_EXCL : 0) |
    constants.O_NONBLOCK // a pipe without a writer would hold a thread of the whole agent
  );
}

export const openFile: Request = async (context, fields, id) => {
  const path = pathOf(context, fields);
  const wanted = fields.uint32();
  const mode = (readAttributes(fields).permissions ?? 0o666) & 0o7777;
  const handle = await context.handles.add(async () => ({
    kind: "file",
    file: await open(path, openFlags(wanted), mode),
    append: (wanted & OpenFlag.append) !== 0,
  }));
  return handleReply(id, handle);
};

const DATA_HEADER_BYTES = 13;

export const readFile: Request = async (context, fields, id) => {
  const file = context.handles.file(fields.string());
  const offset = fields.uint64();
  const length = Math.min(fields.uint32(), MAX_TRANSFER_BYTES);
  const packet = Buffer.allocUnsafeSlow(DATA_HEADER_BYTES + length); // read in place behind its header
  const { bytesRead } = await file.read(packet, DATA_HEADER_BYTES, length, offset);
  if (bytesRead === 0 && length > 0) return statusReply(id, Status.endOfFile, "end of file");
  packet.writeUInt32BE(DATA_HEADER_BYTES - 4 + bytesRead, 0);
  packet.writeUInt8(Packet.data, 4);
  packet.writeUInt32BE(id, 5);
  packet.writeUInt32BE(bytesRead, 9);
  return packet.subarray(0, DATA_HEADER_BYTES + bytesRead);
};

export const writeFile: Request = async (context, fields, id) => {
  const { file, append } = context.handles.fileEntry(fields.string());
  const offset = Number(fields.uint64());
  const data = fields.string();
  for (let at = 0; at < data.length;) {
    const { bytesWritten } = await file.write(data, at, data.length - at, append ? null : offset + at);
    if (bytesWritten === 0) throw new SftpError(Status.failure, "nothing was written");
    at += bytesWritten;
  }
  return doneReply(id);
};

export const closeHandle: Request = async (context, fields, id) => {
  await context.handles.close(fields.string());
  return doneReply(id);
};

export const statFile: Request = async (context, fields, id) =>
  attributesReply(id, await context.handles.file(fields.string()).stat({ bigint: true }));

export const setStatFile: Request = async (context, fields, id) => {
  const file = context.handles.file(fields.string());
  await applyToFile(file, readAttributes(fields));
  return doneReply(id);
};

export const syncFile: Request = async (context, fields, id) => {
  await context.handles.file(fields.string()).sync();
  return doneReply(id);
};
