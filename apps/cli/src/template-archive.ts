import { readdir, stat } from "node:fs/promises";
import { CodedError } from "@berth/std";
import { create } from "tar";

const LIMIT_BYTES = 10 * 1024 * 1024;
/** Terraform's own leavings and version control: never part of a template. `.terraform.lock.hcl` is. */
const LEFT_OUT = /^(\.terraform|\.git|terraform\.tfstate(\..*)?|.*\.tfstate|\.DS_Store)$/;

/**
 * A template's folder as a tar archive, the same bytes for the same content.
 * @throws CodedError when the folder holds no .tf file, or too much.
 */
export async function packTemplate(folder: string): Promise<Buffer> {
  const entries = await entriesOf(folder);
  if (!entries.some((name) => /\.tf(\.json)?$/.test(name)))
    throw new CodedError(
      "invalid_argument",
      `${folder} holds no .tf file: give the folder of a template by --directory`,
    );
  const names = entries.filter((name) => !LEFT_OUT.test(name)).sort();
  const archive = create(
    {
      cwd: folder,
      portable: true,
      noMtime: true,
      noDirRecurse: false,
      filter: (path) => !path.split("/").some((part) => LEFT_OUT.test(part)),
    },
    names,
  );
  const bytes = Buffer.concat(await Array.fromAsync(archive as AsyncIterable<Buffer>));
  if (bytes.length > LIMIT_BYTES)
    throw new CodedError(
      "invalid_argument",
      `${folder} is ${bytes.length} bytes as an archive: at most ${LIMIT_BYTES} are taken`,
    );
  return bytes;
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    if (!(await stat(folder)).isDirectory())
      throw new CodedError("invalid_argument", `${folder} is not a folder`);
    return await readdir(folder);
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new CodedError("invalid_argument", `${folder} cannot be read: is it the template's folder?`, {
      cause,
    });
  }
}

/** @throws CodedError when the folder holds something already. */
export async function demandEmptyFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  if (names.length > 0)
    throw new CodedError("already_exists", `${folder} is not empty: give a folder that is, or a new one`);
}
