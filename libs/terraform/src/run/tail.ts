import { type FileHandle, open } from "node:fs/promises";

const POLL_MS = 40;
const READ_BYTES = 64 * 1024;
/** A line that is longer is heard in parts. */
const LINE_BYTES = 4 << 20;

/** Hears a line and the offset behind it, from which a later reader goes on; nothing more is read until it has settled. */
export type OnLine = (line: string, offset: number) => Promise<void> | void;

/** Reads the lines of a file that somebody else writes, in order, until told that the writer has ended. */
export class Tail implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #onLine: OnLine;
  #readTo: number;
  #offset: number;
  #partial: Buffer[] = [];
  #partialBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, offset: number, onLine: OnLine) {
    this.#file = file;
    this.#readTo = offset;
    this.#offset = offset;
    this.#onLine = onLine;
  }

  /** Opens the file (made when it is not there) and starts to follow it. */
  static async follow(path: string, onLine: OnLine, offset = 0): Promise<Tail> {
    const tail = new Tail(await open(path, "a+", 0o600), offset, onLine);
    tail.#schedule();
    return tail;
  }

  /** Reads what is left, a last line without an end included, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#reading;
    await this.#drain();
    if (this.#partialBytes > 0) await this.#emit(0);
    await this.#file.close();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#reading = this.#drain().then(() => {
        if (this.#timer !== undefined) this.#schedule();
      });
    }, POLL_MS);
  }

  async #drain(): Promise<void> {
    const buffer = Buffer.alloc(READ_BYTES);
    while (true) {
      const { bytesRead } = await this.#file.read(buffer, 0, READ_BYTES, this.#readTo);
      if (bytesRead === 0) return;
      this.#readTo += bytesRead;
      await this.#split(buffer.subarray(0, bytesRead));
    }
  }

  async #split(bytes: Buffer): Promise<void> {
    const NEWLINE = 0x0a;
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#keep(bytes.subarray(from, end));
      await this.#emit(1);
      from = end + 1;
    }
    this.#keep(Buffer.from(bytes.subarray(from))); // the buffer is read into again
    if (this.#partialBytes >= LINE_BYTES) await this.#emit(0);
  }

  #keep(bytes: Buffer): void {
    if (bytes.length > 0) this.#partial.push(bytes);
    this.#partialBytes += bytes.length;
  }

  async #emit(endBytes: number): Promise<void> {
    const line = Buffer.concat(this.#partial.splice(0)).toString("utf8");
    this.#offset += this.#partialBytes + endBytes;
    this.#partialBytes = 0;
    await this.#onLine(line, this.#offset);
  }
}
