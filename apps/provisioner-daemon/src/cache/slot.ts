import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CacheHeldError, holdCache } from "./lock.ts";

/** A cache folder and the hold on it. */
export interface HeldCache {
  readonly folder: string;
  readonly hold: AsyncDisposable;
}

const SLOTS = 256;

/**
 * Holds the first free slot of a node's cache folder: built-in daemons share the folder, and one that outlived its node
 * keeps its slot until its build has ended.
 * @throws CacheHeldError when every slot is held.
 */
export async function holdFreeSlot(cacheFolder: string): Promise<HeldCache> {
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const folder = join(cacheFolder, `builtin-${slot}`);
    try {
      return { folder, hold: await holdCache(folder) };
    } catch (error) {
      if (!(error instanceof CacheHeldError)) throw error;
    }
  }
  throw new CacheHeldError(cacheFolder, `of each of ${SLOTS} slots`);
}

/** What Terraform reads as its own configuration: the operator's, if there is one. */
export async function readOperatorsConfig(paths: readonly (string | undefined)[]): Promise<string> {
  for (const path of paths) {
    if (path === undefined || path === "") continue;
    try {
      return await readFile(path, "utf8");
    } catch {
      continue; // Terraform would warn on every command of a file that is not there
    }
  }
  return "";
}
