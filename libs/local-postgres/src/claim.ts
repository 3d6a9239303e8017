import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { CodedError } from "@berth/std";
import { isRunning, startOf } from "./postmaster.ts";

/**
 * Claims a data folder for this process, by a file in it: `pid start`. A claim whose process is gone counts for nothing.
 * @throws CodedError naming the process that holds it
 */
export async function claimFolder(file: string, folder: string): Promise<AsyncDisposable> {
  const draft = `${file}.${process.pid}`;
  const own = `${process.pid} ${await startOf(process.pid)}\n`;
  await writeFile(draft, own);
  try {
    while (!(await isLinked(draft, file))) {
      const held = await readFile(file, "utf8").catch(() => ""); // given back a moment ago
      const holder = await processOf(held);
      if (holder !== undefined)
        throw new CodedError(
          "failed_precondition",
          `the embedded Postgres in ${folder} is in use by process ${holder}: end that one, or choose another folder (CODER_CONFIG_DIR)`,
        );
      await takeAway(file, held);
    }
  } finally {
    await rm(draft, { force: true });
  }
  return { [Symbol.asyncDispose]: () => takeAway(file, own) };
}

/** Of those who link at once, one succeeds. */
async function isLinked(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** The process that wrote a claim, if it still runs. */
async function processOf(claim: string): Promise<number | undefined> {
  const [pid, start] = claim.trim().split(" ");
  const holder = Number(pid);
  const lives = holder > 0 && (await isRunning(holder)) && (await startOf(holder)) === (start ?? "");
  return lives ? holder : undefined;
}

/** Removes exactly that claim: one that another has made meanwhile is put back. */
async function takeAway(file: string, claim: string): Promise<void> {
  const aside = `${file}.${process.pid}.old`;
  try {
    await rename(file, aside);
  } catch {
    return; // somebody else has done it
  }
  if ((await readFile(aside, "utf8")) !== claim) await isLinked(aside, file);
  await rm(aside, { force: true });
}
