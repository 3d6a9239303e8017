import { text } from "node:stream/consumers";
import { deferred, messageOf } from "@berth/std";
import { extract } from "tar-stream";
import { Problem } from "../http/problem.ts";

/** What the api itself reads of a template's archive. */
export interface Archive {
  readonly paths: readonly string[];
  readonly readme: string;
  /** berth.json says `{"runsOn": "machine"}`: workspaces belong to the machine that built them first. */
  readonly runsOnMachine: boolean;
}

/** What is read of an entry's header; the package's own type has two names in two releases. */
interface Named {
  readonly name: string;
}

const refuse = (detail: string, cause?: unknown) =>
  new Problem(400, "The upload is not a tar archive that could be a template.", { detail, cause });

/** Reads a tar archive. @throws Problem 400 that says what is wrong with it */
export async function readArchive(bytes: Uint8Array): Promise<Archive> {
  if (bytes.length === 0) throw refuse("It is empty.");
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    throw refuse("It is compressed with gzip: send the tar as it is.");
  const paths: string[] = [];
  const kept = new Map<string, string>();
  await eachEntry(bytes, (header, content) => {
    const path = pathOf(header);
    paths.push(path);
    if (isKept(path)) kept.set(path.toLowerCase(), content);
  });
  if (paths.length === 0) throw refuse("It holds no file.");
  return { paths, readme: kept.get("readme.md") ?? "", runsOnMachine: runsOnMachine(kept.get("berth.json")) };
}

const isKept = (path: string) => /^(readme\.md|berth\.json)$/i.test(path);

/** The path below the archive's root. */
function pathOf({ name }: Named): string {
  const path = name.replace(/^(\.\/)+/, "");
  if (path.startsWith("/") || path.split("/").includes(".."))
    throw refuse(`${name} would be written outside of the template's folder.`);
  return path;
}

/** Reads the archive to its end, one entry after another. */
async function eachEntry(bytes: Uint8Array, visit: (header: Named, content: string) => void): Promise<void> {
  const tar = extract();
  const end = deferred();
  tar.on("error", (error: Error) => end.reject(refuse(error.message, error)));
  tar.on("finish", () => end.resolve());
  tar.on("entry", (header, content, next) => {
    text(content)
      .then((read) => visit(header, read))
      .then(() => next(), end.reject);
  });
  tar.end(Buffer.from(bytes));
  await end.promise;
}

function runsOnMachine(json: string | undefined): boolean {
  if (json === undefined) return false;
  const settings = parsed(json);
  if (typeof settings !== "object" || settings === null || Array.isArray(settings))
    throw refuse("berth.json must hold a JSON object.");
  const runsOn = "runsOn" in settings ? settings.runsOn : "anywhere";
  if (runsOn !== "machine" && runsOn !== "anywhere")
    throw refuse('berth.json: runsOn must be "machine" or "anywhere".');
  return runsOn === "machine";
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw refuse(`berth.json: ${messageOf(cause)}`, cause);
  }
}
