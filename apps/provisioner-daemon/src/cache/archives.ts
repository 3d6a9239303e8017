import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "@berth/std";

const KEPT = 32;

/** Downloads a file whole. */
export type Download = () => AsyncIterable<{ readonly chunk: Buffer }>;

/** Archives of templates by their SHA-256: the same version is fetched once. */
export class ArchiveCache {
  readonly #folder: string;

  constructor(cacheFolder: string) {
    this.#folder = join(cacheFolder, "archives");
  }

  /** The archive, from disk when it is there and whole. @throws CodedError data_loss when what came is another file. */
  async get(sha256: string, download: Download): Promise<Buffer> {
    const path = join(this.#folder, sha256);
    const known = await readFile(path).catch(() => undefined); // fetched instead
    if (known !== undefined && hashOf(known) === sha256) {
      await utimes(path, new Date(), new Date());
      return known;
    }
    const fetched = await fetchWhole(sha256, download);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const draft = `${path}.${randomUUID()}`;
    await writeFile(draft, fetched, { mode: 0o600 });
    await rename(draft, path);
    await this.#forgetOldest();
    return fetched;
  }

  async #forgetOldest(): Promise<void> {
    const files = await readdir(this.#folder);
    if (files.length <= KEPT) return;
    const used = await Promise.all(
      files.map(async (file) => ({ file, at: (await stat(join(this.#folder, file))).mtimeMs })),
    );
    for (const { file } of used.sort((a, b) => b.at - a.at).slice(KEPT)) await rm(join(this.#folder, file));
  }
}

/** Downloads a file and checks it. @throws CodedError data_loss when what came is another file. */
export async function fetchWhole(sha256: string, download: Download): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const { chunk } of download()) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const hash = hashOf(bytes);
  if (hash !== sha256)
    throw new CodedError(
      "data_loss",
      `downloading a file: its SHA-256 is ${hash}, and ${sha256} was promised`,
    );
  return bytes;
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
