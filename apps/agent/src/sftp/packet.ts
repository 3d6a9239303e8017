import { MAX_PACKET_BYTES, SftpError, Status } from "./protocol.ts";

/** Reads the fields of one packet in order. */
export class PacketReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.#take(1).readUInt8();
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  /** Bytes: names on a Unix host need not be UTF-8. */
  string(): Buffer {
    return this.#take(this.uint32());
  }

  text(): string {
    return this.string().toString("utf8");
  }

  #take(length: number): Buffer {
    if (length > this.remaining) throw new SftpError(Status.badMessage, "packet ends before its last field");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** Writes the fields of one packet; `build` puts the length before them. */
export class PacketWriter {
  readonly #parts: Buffer[] = [];

  constructor(type: number) {
    this.byte(type);
  }

  byte(value: number): this {
    return this.#add(Buffer.of(value));
  }

  uint32(value: number): this {
    const field = Buffer.allocUnsafe(4);
    field.writeUInt32BE(value >>> 0);
    return this.#add(field);
  }

  uint64(value: bigint): this {
    const field = Buffer.allocUnsafe(8);
    field.writeBigUInt64BE(value);
    return this.#add(field);
  }

  string(value: Buffer | string): this {
    const bytes = typeof value === "string" ? Buffer.from(value) : value;
    return this.uint32(bytes.length).#add(bytes);
  }

  build(): Buffer {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(this.#parts.reduce((sum, part) => sum + part.length, 0));
    return Buffer.concat([length, ...this.#parts]);
  }

  #add(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
}

/** Cuts a byte stream into packets, without their length. Asks for more bytes only when the last packet was taken. */
export async function* packetsOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let needed = 4;
  for await (const chunk of source) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes < needed) continue;
    let whole = Buffer.concat(waiting);
    for (needed = endOfFirst(whole); whole.length >= needed && needed > 4; needed = endOfFirst(whole)) {
      yield whole.subarray(4, needed);
      whole = whole.subarray(needed);
    }
    waiting = [whole];
    bytes = whole.length;
  }
}

/** Where the first packet ends, or 4 while its length is not known. */
function endOfFirst(bytes: Buffer): number {
  if (bytes.length < 4) return 4;
  const length = bytes.readUInt32BE();
  if (length === 0 || length > MAX_PACKET_BYTES)
    throw new SftpError(Status.badMessage, `packet of ${length} bytes`);
  return 4 + length;
}
