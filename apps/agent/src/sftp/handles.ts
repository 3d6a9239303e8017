import type { Dir } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { SftpError, Status } from "./protocol.ts";

export type OpenHandle =
  | { readonly kind: "file"; readonly file: FileHandle; readonly append: boolean }
  | { readonly kind: "folder"; readonly folder: Dir; readonly path: Buffer };

/** A client that opens without closing is stopped long before the process has no descriptor left. */
export const MAX_HANDLES = 512;

/** What a client holds open, by the four bytes that it knows it by. */
export class Handles implements AsyncDisposable {
  readonly #open = new Map<number, OpenHandle>();
  #next = 1;

  /** Takes what `open` opens, unless too much is open. */
  async add(open: () => Promise<OpenHandle>): Promise<Buffer> {
    if (this.#open.size >= MAX_HANDLES)
      throw new SftpError(Status.failure, `${MAX_HANDLES} files are open already`);
    const opened = await open();
    const key = this.#next++;
    this.#open.set(key, opened);
    const handle = Buffer.allocUnsafe(4);
    handle.writeUInt32BE(key);
    return handle;
  }

  file(handle: Buffer): FileHandle {
    return this.fileEntry(handle).file;
  }

  fileEntry(handle: Buffer): OpenHandle & { kind: "file" } {
    const open = this.#open.get(keyOf(handle));
    if (open?.kind !== "file") throw new SftpError(Status.failure, "not a handle of a file");
    return open;
  }

  folder(handle: Buffer): OpenHandle & { kind: "folder" } {
    const open = this.#open.get(keyOf(handle));
    if (open?.kind !== "folder") throw new SftpError(Status.failure, "not a handle of a folder");
    return open;
  }

  async close(handle: Buffer): Promise<void> {
    const open = this.#open.get(keyOf(handle));
    if (open === undefined) throw new SftpError(Status.failure, "not an open handle");
    this.#open.delete(keyOf(handle));
    await close(open);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(open.map(close));
  }
}

const close = (open: OpenHandle): Promise<void> =>
  open.kind === "file" ? open.file.close() : open.folder.close();

const keyOf = (handle: Buffer): number => (handle.length === 4 ? handle.readUInt32BE() : 0);
