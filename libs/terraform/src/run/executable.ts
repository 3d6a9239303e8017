import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { CodedError } from "@berth/std";

/** A Terraform, or an OpenTofu, that this machine has. */
export interface Executable {
  readonly path: string;
  readonly flavor: "terraform" | "tofu";
  readonly version: string;
}

/** First version that is taken, and the first that is not any more. */
const SUPPORTED = {
  terraform: { from: [1, 5], before: [2, 0] },
  tofu: { from: [1, 6], before: [2, 0] },
} as const;

/** There is no Terraform that a build could run with. */
export class NoTerraformError extends CodedError {
  override readonly name = "NoTerraformError";
  readonly found: string;
  readonly mend = "Install Terraform 1.5 or later (or OpenTofu 1.6 or later) and put it on PATH";
  constructor(unsuited: readonly string[]) {
    const found =
      unsuited.length === 0 ? "neither terraform nor tofu is on PATH" : `unsuited: ${unsuited.join("; ")}`;
    super("failed_precondition", `no Terraform to run builds with: ${found}`);
    this.found = found;
  }
}

/**
 * Finds `terraform`, else `tofu`, on the PATH, of a version in the supported range.
 * @throws NoTerraformError that names what was found and the mend.
 */
export async function findTerraform(searchPath: string): Promise<Executable> {
  const unsuited: string[] = [];
  for (const flavor of ["terraform", "tofu"] as const) {
    for (const folder of searchPath.split(delimiter).filter((each) => each !== "")) {
      const path = join(folder, flavor);
      if (!(await isExecutable(path))) continue;
      const version = await versionOf(path);
      if (version !== undefined && isSupported(flavor, version)) return { path, flavor, version };
      unsuited.push(`${path} ${version ?? "does not tell its version"}`);
    }
  }
  throw new NoTerraformError(unsuited);
}

/** Whether a version of Terraform or OpenTofu is in the supported range. */
export function isSupported(flavor: Executable["flavor"], version: string): boolean {
  const match = /^(\d+)\.(\d+)\./.exec(version);
  if (match === null) return false;
  const at = Number(match[1]) * 1000 + Number(match[2]);
  const { from, before } = SUPPORTED[flavor];
  return at >= from[0] * 1000 + from[1] && at < before[0] * 1000 + before[1];
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // looked for in the next folder
  }
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ["version", "-json"], {
      env: { CHECKPOINT_DISABLE: "1" },
      timeout: 30_000,
    });
    return /"terraform_version":\s*"([^"]+)"/.exec(stdout)?.[1];
  } catch {
    return undefined; // reported as a Terraform that does not tell its version
  }
}
