import { readFile } from "node:fs/promises";
import { CodedError, messageOf } from "@berth/std";
import { isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { Pair } from "../repeatable.ts";

/**
 * The values of a `--rich-parameter-file`: a YAML map of names. A list stands for its JSON, as parameters have it.
 * @throws CodedError invalid_argument that names the file and what to write there.
 */
export async function readParameterFile(file: string): Promise<Pair[]> {
  const refuse = (what: string, cause?: unknown) =>
    new CodedError("invalid_argument", `--rich-parameter-file ${file} ${what}`, { cause });
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw refuse(`cannot be read (${messageOf(cause)}): give a YAML file of "name: value" lines`, cause);
  });
  const document = parseDocument(text);
  const { contents, errors } = document;
  const [mistake] = errors;
  if (mistake !== undefined) {
    const [what = ""] = mistake.message.split(":\n"); // behind it the lines themselves
    throw refuse(`is not valid YAML: ${what}: write a line "name: value" for each parameter`, mistake);
  }
  if (contents === null) return [];
  if (!isMap(contents)) throw refuse('is no map of parameters: write a line "name: value" for each');
  return contents.items.map(({ key, value: node }) => {
    const [name, value] = [String(key), valueOf(isAlias(node) ? node.resolve(document) : node)];
    if (value === undefined)
      throw refuse(`gives "${name}" no plain value: write text, a number, true, false or a list`);
    return { name, value };
  });
}

/** A number stays as it is written: 1.10 is not 1.1. */
function valueOf(node: unknown): string | undefined {
  if (isSeq(node)) return JSON.stringify(node);
  if (!isScalar(node)) return undefined;
  const { value, source } = node;
  if (typeof value === "number") return source;
  return typeof value === "string" || typeof value === "boolean" ? String(value) : undefined;
}
