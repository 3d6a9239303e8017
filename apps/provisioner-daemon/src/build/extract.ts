import { mkdir } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isAbsolute, normalize } from "node:path";
import { TemplateFaultError } from "@berth/terraform";
import { extract, list, type ReadEntry } from "tar";

const KINDS = new Set(["File", "OldFile", "ContiguousFile", "Directory", "SymbolicLink", "GNUDumpDir"]);

/**
 * Unpacks a template's archive.
 * @throws TemplateFaultError when it holds anything that would land outside the folder: nothing is written then.
 */
export async function extractArchive(archive: Buffer, folder: string): Promise<void> {
  await refuseEscapes(archive);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await pipeline(Readable.from([archive]), extract({ cwd: folder, strict: true, preserveOwner: false }));
}

async function refuseEscapes(archive: Buffer): Promise<void> {
  const problems: string[] = [];
  const inspect = (entry: ReadEntry) => {
    const problem = problemOf(entry);
    if (problem !== undefined) problems.push(problem);
  };
  try {
    await pipeline(Readable.from([archive]), list({ strict: true, onReadEntry: inspect }));
  } catch (cause) {
    throw new TemplateFaultError(
      `the template is no tar archive (${cause instanceof Error ? cause.message : "unreadable"})`,
    );
  }
  const [first] = problems;
  if (first !== undefined) throw new TemplateFaultError(`the template's archive is refused: ${first}`);
}

function problemOf({ path, type, linkpath }: ReadEntry): string | undefined {
  if (leaves(path)) return `"${path}" would be written outside of its folder`;
  if (!KINDS.has(type)) return `"${path}" is a ${type}, and a template is files, folders and symbolic links`;
  if (type !== "SymbolicLink") return undefined;
  const target = normalize(`${path}/../${linkpath ?? ""}`);
  return isAbsolute(linkpath ?? "") || leaves(target)
    ? `the link "${path}" leads outside of its folder`
    : undefined;
}

function leaves(path: string): boolean {
  const normal = normalize(path);
  return isAbsolute(path) || normal === ".." || normal.startsWith("../");
}
