import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findTerraform, isSupported } from "./executable.ts";

async function folderWith(name: string, version: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-path-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, name), `#!/bin/sh\necho '{"terraform_version": "${version}"}'\n`);
  await chmod(join(folder, name), 0o755);
  return folder;
}

test("the first Terraform of a supported version on the path is taken, OpenTofu where there is none", async () => {
  const [old, tofu] = [await folderWith("terraform", "1.4.9"), await folderWith("tofu", "1.8.0")];
  expect(await findTerraform(`${old}:${tofu}`)).toEqual({
    path: join(tofu, "tofu"),
    flavor: "tofu",
    version: "1.8.0",
  });
});

test("without one the error names what was found and the mend", async () => {
  await expect(findTerraform("/nowhere")).rejects.toThrow(/neither terraform nor tofu is on PATH/);
  const old = await folderWith("terraform", "0.15.0");
  await expect(findTerraform(old)).rejects.toThrow(/unsuited: .*terraform 0\.15\.0/);
});

test("the range begins at terraform 1.5 and tofu 1.6 and ends before 2", () => {
  expect([isSupported("terraform", "1.5.0"), isSupported("terraform", "2.0.0")]).toEqual([true, false]);
  expect([isSupported("tofu", "1.5.9"), isSupported("tofu", "1.10.1")]).toEqual([false, true]);
});
