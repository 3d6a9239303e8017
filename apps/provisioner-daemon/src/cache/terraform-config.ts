import { readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Writes the configuration that Terraform reads: the operator's (its mirrors and credentials hold), without asking the
 * vendor for news, and always a file that is there: Terraform warns on every command of one that is not. Answers its path.
 */
export async function writeTerraformConfig(
  cacheFolder: string,
  operators: string | undefined,
): Promise<string> {
  const given = await readAny([operators ?? "", join(homedir(), ".terraformrc"), join(homedir(), ".tofurc")]);
  const path = join(cacheFolder, "terraform.rc");
  const rest = given.replaceAll(/^\s*disable_checkpoint\s*=.*$/gm, "");
  await writeFile(path, `disable_checkpoint = true\n${rest}`, { mode: 0o600 });
  return path;
}

async function readAny(paths: readonly string[]): Promise<string> {
  for (const path of paths.filter((each) => each !== "")) {
    const text = await readFile(path, "utf8").catch(() => undefined); // the next one, then
    if (text !== undefined) return text;
  }
  return "";
}
