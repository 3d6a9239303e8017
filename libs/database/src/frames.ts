/**
 * Walks the frames of the protocol in a stream of bytes: one byte of type, four of length (itself included), the body.
 * https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
export class Frames {
  readonly #wanted: string;
  readonly #hear: (type: string, body: Buffer) => void;
  #skip = 0;
  #rest: Buffer = Buffer.alloc(0);
  /** The client's first frame has no type. */
  #untyped: boolean;

  /** Hears the body of each frame of the wanted types. */
  constructor(side: "client" | "server", wanted: string, hear: (type: string, body: Buffer) => void) {
    this.#untyped = side === "client";
    this.#wanted = wanted;
    this.#hear = hear;
  }

  scan(chunk: Buffer): void {
    const skipped = Math.min(this.#skip, chunk.length);
    this.#skip -= skipped;
    let bytes = chunk.subarray(skipped);
    if (this.#rest.length > 0) bytes = Buffer.concat([this.#rest, bytes]);
    for (let size = this.#next(bytes); size > 0; size = this.#next(bytes)) {
      if (size > bytes.length) {
        this.#skip = size - bytes.length;
        bytes = bytes.subarray(bytes.length);
        break;
      }
      bytes = bytes.subarray(size);
    }
    this.#rest = bytes.length === 0 ? bytes : Buffer.from(bytes);
  }

  /** The size of the frame at the start; 0 when more bytes are needed to tell, or to hear it whole. */
  #next(bytes: Buffer): number {
    if (this.#untyped) {
      if (bytes.length < 4) return 0;
      this.#untyped = false;
      return bytes.readUInt32BE(0);
    }
    if (bytes.length < 5) return 0;
    const size = 1 + bytes.readUInt32BE(1);
    const type = String.fromCharCode(bytes[0] ?? 0);
    if (!this.#wanted.includes(type)) return size;
    if (bytes.length < size) return 0;
    this.#hear(type, bytes.subarray(5, size));
    return size;
  }
}

/** The fields of an ErrorResponse by their letter: C is the SQLSTATE, M the message. */
export function errorFields(body: Buffer): ReadonlyMap<string, string> {
  const fields = body.toString("utf8").split("\0");
  return new Map(fields.filter((field) => field !== "").map((field) => [field.slice(0, 1), field.slice(1)]));
}
