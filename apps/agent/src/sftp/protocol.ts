/** SFTP version 3 (draft-ietf-secsh-filexfer-02) with the extensions that OpenSSH's sftp and scp use (its PROTOCOL file). */

export const Packet = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attributes: 105,
  extended: 200,
  extendedReply: 201,
} as const;

export const Status = {
  ok: 0,
  endOfFile: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const;

export type StatusCode = (typeof Status)[keyof typeof Status];

/** Bits of an open request, which are not those of open(2). */
export const OpenFlag = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;

/** Which fields an attribute block carries. */
export const AttributeFlag = { size: 1, owner: 2, permissions: 4, times: 8, extended: 0x80000000 } as const;

/** OpenSSH takes packets up to this; its clients send and ask for less. */
export const MAX_PACKET_BYTES = 256 * 1024;

/** A read or write larger than this does not fit into a packet with its header. */
export const MAX_TRANSFER_BYTES = MAX_PACKET_BYTES - 1024;

/** A request that cannot be answered with what it asked for: its status and words go back to the client. */
export class SftpError extends Error {
  override readonly name = "SftpError";
  readonly status: StatusCode;

  constructor(status: StatusCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
