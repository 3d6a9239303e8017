import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where a person is logged in: the files `url` and `session` of the configuration folder, as editors expect them. */
export interface SavedSession {
  readonly url?: string;
  readonly token?: string;
}

/** Reads what was saved; a missing file is no session. */
export async function readSession(folder: string): Promise<SavedSession> {
  const [url, token] = await Promise.all([
    readTrimmed(join(folder, "url")),
    readTrimmed(join(folder, "session")),
  ]);
  return { ...(url === undefined ? {} : { url }), ...(token === undefined ? {} : { token }) };
}

/** Saves both, readable by their owner alone. */
export async function saveSession(folder: string, session: Required<SavedSession>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await Promise.all([
    writePrivate(join(folder, "url"), session.url),
    writePrivate(join(folder, "session"), session.token),
  ]);
}

/** Forgets the token; the URL stays, so that the next `login` needs none. */
export async function forgetSession(folder: string): Promise<void> {
  await rm(join(folder, "session"), { force: true });
}

async function readTrimmed(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim() || undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** By rename, so that a reader never sees half of it. */
async function writePrivate(file: string, text: string): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, text, { mode: 0o600 });
  await chmod(fresh, 0o600);
  await rename(fresh, file);
}
