import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import { CodedError, messageOf } from "@berth/std";

const run = promisify(execFile);
/** groupadd and useradd are in /usr/sbin, which is not on everybody's PATH. */
const env = { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" };

/** The user that Postgres runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Postgres refuses to run as root: then the user `postgres`, made when it is missing; else undefined, ourselves. */
export async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  return (await lookUp()) ?? (await create());
}

async function lookUp(): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all([
      run("id", ["-u", "postgres"], { env }),
      run("id", ["-g", "postgres"], { env }),
    ]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined; // `id` fails when there is no such user
  }
}

async function create(): Promise<Account> {
  try {
    await run("groupadd", ["--system", "--force", "postgres"], { env });
    const shell = ["--no-create-home", "--shell", "/usr/sbin/nologin"];
    await run("useradd", ["--system", "--gid", "postgres", ...shell, "postgres"], { env });
  } catch (cause) {
    const raced = await lookUp();
    if (raced !== undefined) return raced;
    throw new CodedError(
      "failed_precondition",
      `Postgres does not run as root, and its user "postgres" could not be made (${messageOf(cause)}): make it, start as another user, or set CODER_PG_CONNECTION_URL`,
      { cause },
    );
  }
  const made = await lookUp();
  if (made === undefined) throw new Error("making the user postgres: it is not there afterwards");
  return made;
}

/**
 * Checks that the account can enter every folder on the way to `path`.
 * @throws CodedError naming the first folder it cannot enter.
 */
export async function assertReachable(path: string, account: Account): Promise<void> {
  const way: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    way.unshift(at);
    if (at === dirname(at)) break;
  }
  for (const folder of way) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) !== 0) continue;
    throw new CodedError(
      "failed_precondition",
      `the embedded Postgres runs as the user "postgres", which cannot enter ${folder} on the way to ${path}: ` +
        `\`chmod o+x ${folder}\`, choose another folder (CODER_CONFIG_DIR), or set CODER_PG_CONNECTION_URL`,
    );
  }
}
