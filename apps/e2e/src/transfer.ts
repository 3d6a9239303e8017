import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

/** A file of this size that no compression or mix-up of blocks could get right by chance. */
export async function writeRandom(file: string, bytes: number): Promise<void> {
  const block = randomBytes(1_000_000);
  await pipeline(function* () {
    for (let left = bytes; left > 0; left -= block.length) {
      block.writeUInt32BE(left % 2 ** 32, 0);
      yield Buffer.from(block.subarray(0, Math.min(left, block.length)));
    }
  }, createWriteStream(file));
}

/** In hexadecimal. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
