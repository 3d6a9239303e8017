import { type FileHandle, open } from "node:fs/promises";

const POLL_MS = 40;
const READ_BYTES = 64 * 1024;

/**
 * Reads the lines of a file that somebody else writes, in order, until told that the writer has ended.
 * `onLine` hears a line and the offset behind it, from which a later reader goes on.
 */
export class Tail implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #onLine: (line: string, offset: number) => void;
  #readTo: number;
  #offset: number;
  #partial: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, offset: number, onLine: (line: string, offset: number) => void) {
    this.#file = file;
    this.#readTo = offset;
    this.#offset = offset;
    this.#onLine = onLine;
  }

  /** Opens the file (made when it is not there) and starts to follow it. */
  static async follow(
    path: string,
    onLine: (line: string, offset: number) => void,
    offset = 0,
  ): Promise<Tail> {
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
    if (this.#partial.length > 0) this.#emit(this.#partial, 0);
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
      this.#split(Buffer.concat([this.#partial, buffer.subarray(0, bytesRead)]));
    }
  }

  #split(bytes: Buffer): void {
    const NEWLINE = 0x0a;
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#emit(bytes.subarray(from, end), 1);
      from = end + 1;
    }
    this.#partial = bytes.subarray(from);
  }

  #emit(line: Buffer, endBytes: number): void {
    this.#offset += line.length + endBytes;
    this.#onLine(line.toString("utf8"), this.#offset);
  }
}
