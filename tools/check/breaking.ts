/**
 * The wire breaks nobody: proto/ is compared with what `main` of this checkout's origin, or `main` itself, last had.
 * A checkout without history (an archive) has nothing to compare with, and says so.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const git = (...args: string[]) => spawnSync("git", args, { encoding: "utf8", maxBuffer: 1 << 26 });

const base = ["origin/main", "main", "HEAD"].find(
  (ref) => git("cat-file", "-e", `${ref}:proto/buf.yaml`).status === 0,
);
if (base === undefined) {
  process.stdout.write("no former proto/ to compare with: skipped\n");
} else {
  const folder = mkdtempSync(join(tmpdir(), "berth-protos-"));
  try {
    const archive = spawnSync("git", ["archive", "--output", join(folder, "former.tar"), base, "proto"]);
    if (archive.status !== 0) throw new Error(`reading proto/ of ${base}: ${archive.stderr.toString()}`);
    const result = spawnSync("buf", ["breaking", "--against", `${join(folder, "former.tar")}#subdir=proto`], {
      cwd: "proto",
      stdio: "inherit",
    });
    process.exitCode = result.status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
