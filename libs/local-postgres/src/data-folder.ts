import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { CodedError } from "@berth/std";
import { assertReachable, type Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";

const run = promisify(execFile);

/** The name of the superuser that initdb makes. */
export const USER = "berth";

/** The files of one server, all under `<folder>/postgres`. */
export interface DataFolder {
  readonly data: string;
  readonly log: string;
  readonly password: string;
}

/**
 * Makes `<folder>/postgres`, where the server's user can work.
 * @throws CodedError naming a folder on the way that this user cannot enter
 */
export async function makeDataFolder(
  folder: string,
  binaries: Binaries,
  account: Account | undefined,
): Promise<string> {
  const root = await makeRoot(folder, account);
  if (account !== undefined) {
    await assertReachable(binaries.folder, account);
    await assertReachable(root, account);
  }
  return root;
}

/** Makes the password and, the first time, the empty cluster in the folder. One process does so at a time. */
export async function fillDataFolder(
  root: string,
  binaries: Binaries,
  account: Account | undefined,
  durable: boolean,
): Promise<DataFolder> {
  const data = join(root, "data");
  const version = (await readFile(join(data, "PG_VERSION"), "utf8").catch(() => "")).trim(); // absent at first
  if (version !== "" && version !== binaries.major)
    throw new CodedError(
      "failed_precondition",
      `the embedded Postgres is version ${binaries.major}, and its data in ${data} are of version ${version}: ` +
        `serve them by a Postgres ${version} of your own (CODER_PG_CONNECTION_URL), or move the folder away to begin anew`,
    );
  const initialized = version !== "";
  const password = await readPassword(join(root, "password"), initialized, account);
  if (!initialized) await initialize(root, binaries, account, durable);
  return { data, log: join(root, "server.log"), password };
}

async function makeRoot(folder: string, account: Account | undefined): Promise<string> {
  const made = await mkdir(folder, { recursive: true, mode: 0o755 });
  const root = join(await realpath(folder), "postgres");
  await mkdir(root, { recursive: true, mode: 0o700 });
  if (account === undefined) return root;
  // The folder is ours, and its files protect themselves: Postgres' user may pass, and still cannot list it.
  const { mode, uid } = await stat(folder);
  if (made !== undefined || uid === 0) await chmod(folder, (mode & 0o777) | 0o011);
  await chown(root, account.uid, account.gid);
  return root;
}

async function readPassword(path: string, initialized: boolean, account: Account | undefined) {
  if (await exists(path)) return (await readFile(path, "utf8")).trim();
  if (initialized)
    throw new CodedError(
      "failed_precondition",
      `the embedded Postgres has data but no password: ${path} is missing; put it back, or move the folder away to begin anew`,
    );
  const password = randomBytes(24).toString("hex");
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${password}\n`, { mode: 0o600 });
  if (account !== undefined) await chown(draft, account.uid, account.gid);
  await rename(draft, path);
  return password;
}

/** initdb into a folder beside it, then renamed: one that was interrupted leaves nothing half-made. */
async function initialize(
  root: string,
  binaries: Binaries,
  account: Account | undefined,
  durable: boolean,
): Promise<void> {
  const draft = join(root, "data.new");
  await rm(draft, { recursive: true, force: true });
  const options = [
    "--auth=scram-sha-256",
    `--pwfile=${join(root, "password")}`,
    "--encoding=UTF8",
    "--locale=C",
  ];
  try {
    await run(
      binaries.initdb,
      ["-D", draft, "-U", USER, ...options, "--no-instructions", ...(durable ? [] : ["--no-sync"])],
      { cwd: root, env: { LC_ALL: "C" }, ...account },
    );
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
    throw new CodedError("internal", `making the embedded Postgres in ${root}: ${said || String(cause)}`, {
      cause,
    });
  }
  await rename(draft, join(root, "data"));
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false; // that is the question
  }
}
