import { extended, versionPacket } from "./extensions.ts";
import { failureOf } from "./failure.ts";
import * as file from "./file-requests.ts";
import * as folder from "./folder-requests.ts";
import { Handles } from "./handles.ts";
import { packetsOf, PacketReader } from "./packet.ts";
import * as path from "./path-requests.ts";
import { Packet, SftpError, Status } from "./protocol.ts";
import { statusReply } from "./reply.ts";
import type { Request, SftpContext } from "./request.ts";

const REQUESTS: ReadonlyMap<number, Request> = new Map([
  [Packet.open, file.openFile],
  [Packet.close, file.closeHandle],
  [Packet.read, file.readFile],
  [Packet.write, file.writeFile],
  [Packet.fstat, file.statFile],
  [Packet.fsetstat, file.setStatFile],
  [Packet.opendir, folder.openFolder],
  [Packet.readdir, folder.readFolder],
  [Packet.mkdir, folder.makeFolder],
  [Packet.rmdir, folder.removeFolder],
  [Packet.lstat, path.statLink],
  [Packet.stat, path.statPath],
  [Packet.setstat, path.setStatPath],
  [Packet.remove, path.removeFile],
  [Packet.rename, path.renameNew],
  [Packet.readlink, path.readLink],
  [Packet.symlink, path.makeLink],
  [Packet.realpath, path.realPath],
  [Packet.extended, extended],
]);

/** Where a client's packets come from and go to; `write` resolves when there is room for more. */
export interface SftpChannel {
  readonly input: AsyncIterable<Buffer>;
  readonly write: (packet: Buffer) => Promise<void>;
}

export type SftpOptions = Omit<SftpContext, "handles">;

/**
 * Serves one SFTP client until its input ends. Requests are done one after another: replies leave in request order (OpenSSH's
 * scp truncates a file in silence when reads do not), and no more is read while a reply waits for the client.
 */
export async function serveSftp(channel: SftpChannel, options: SftpOptions): Promise<void> {
  await using handles = new Handles();
  const context: SftpContext = { ...options, handles };
  let greeted = false;
  for await (const packet of packetsOf(channel.input)) {
    const fields = new PacketReader(packet);
    const type = fields.byte();
    if (greeted) await channel.write(await answer(context, type, fields));
    if (!greeted && type !== Packet.init)
      throw new SftpError(Status.badMessage, "the first packet is not init");
    if (!greeted) await channel.write(versionPacket());
    greeted = true;
  }
}

async function answer(context: SftpContext, type: number, fields: PacketReader): Promise<Buffer> {
  const id = fields.uint32();
  try {
    const request = REQUESTS.get(type);
    if (request === undefined) throw new SftpError(Status.unsupported, `unknown request: ${type}`);
    return await request(context, fields, id);
  } catch (error) {
    const { status, message } = failureOf(error);
    return statusReply(id, status, message);
  }
}
