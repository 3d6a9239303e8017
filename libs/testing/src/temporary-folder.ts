import { mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopAbandonedPostgres } from "@berth/local-postgres";

/** A folder of the test's own, gone with it. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Makes an empty folder under the system's temp folder. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), `berth-test-${process.pid}-`)));
  return { path, [Symbol.asyncDispose]: () => remove(path) };
}

/**
 * Removes what test processes that were killed have left: their folders, and the Postgres that runs in one. What a program of
 * theirs still holds is for a later sweep.
 */
export async function sweepTemporaryFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = /^berth-test-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    await Promise.allSettled([stopAbandonedPostgres(folder).then(() => remove(folder))]);
  }
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 5 });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"; // it runs, and is not ours
  }
}
