import { statfs } from "node:fs/promises";
import { syncFile } from "./file-requests.ts";
import { MAX_HANDLES } from "./handles.ts";
import { PacketWriter } from "./packet.ts";
import { expandPath, hardLink, renameOver, setStatLink } from "./path-requests.ts";
import { MAX_PACKET_BYTES, MAX_TRANSFER_BYTES, Packet, SftpError, Status } from "./protocol.ts";
import { pathOf, type Request } from "./request.ts";

const extendedReply = (id: number): PacketWriter => new PacketWriter(Packet.extendedReply).uint32(id);

/** Without it OpenSSH asks for 32 KiB at a time. */
const limits: Request = (_context, _fields, id) =>
  Promise.resolve(
    extendedReply(id)
      .uint64(BigInt(MAX_PACKET_BYTES))
      .uint64(BigInt(MAX_TRANSFER_BYTES))
      .uint64(BigInt(MAX_TRANSFER_BYTES))
      .uint64(BigInt(MAX_HANDLES))
      .build(),
  );

/** sftp's `df`. Node knows neither the fragment's size, the id, the flags nor the longest name. */
const fileSystem: Request = async (context, fields, id) => {
  const stats = await statfs(pathOf(context, fields), { bigint: true });
  return [stats.bsize, stats.bsize, stats.blocks, stats.bfree, stats.bavail]
    .concat([stats.files, stats.ffree, stats.ffree, 0n, 0n, 255n])
    .reduce((reply, field) => reply.uint64(field), extendedReply(id))
    .build();
};

/** Name, the version that is announced, and what answers it. */
const EXTENSIONS: readonly (readonly [name: string, version: string, answer: Request])[] = [
  ["posix-rename@openssh.com", "1", renameOver],
  ["hardlink@openssh.com", "1", hardLink],
  ["fsync@openssh.com", "1", syncFile],
  ["statvfs@openssh.com", "2", fileSystem],
  ["lsetstat@openssh.com", "1", setStatLink],
  ["limits@openssh.com", "1", limits],
  ["expand-path@openssh.com", "1", expandPath],
];

const ANSWERS = new Map(EXTENSIONS.map(([name, , answer]) => [name, answer]));

export const extended: Request = (context, fields, id) => {
  const name = fields.text();
  const answer = ANSWERS.get(name);
  if (answer === undefined) throw new SftpError(Status.unsupported, `unknown extension: ${name}`);
  return answer(context, fields, id);
};

/** The answer to `init`: version 3 and what is beyond it. */
export function versionPacket(): Buffer {
  const writer = new PacketWriter(Packet.version).uint32(3);
  for (const [name, version] of EXTENSIONS) writer.string(name).string(version);
  return writer.build();
}
