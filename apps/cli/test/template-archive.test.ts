import { mkdir, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { list } from "tar";
import { temporaryFolder, type TemporaryFolder } from "@berth/testing";
import { demandEmptyFolder, packTemplate } from "../src/template-archive.ts";

let folder: TemporaryFolder;
beforeEach(async () => void (folder = await temporaryFolder()));
afterEach(() => folder[Symbol.asyncDispose]());

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), content);
  }
}

async function namesIn(archive: Buffer): Promise<string[]> {
  const names: string[] = [];
  const parser = list({
    onReadEntry: ({ path, type }) => names.push(type === "Directory" ? `${path}/` : path),
  });
  await new Promise((resolve) => parser.on("end", resolve).end(archive));
  return names.map((name) => name.replace(/\/+$/, "/")).sort();
}

test("everything of a template goes along, and nothing that Terraform or git left there", async () => {
  await write({
    "main.tf": "",
    ".terraform.lock.hcl": "",
    "scripts/.hidden": "",
    ".terraform/providers/x": "",
    "modules/a/.terraform/x": "",
    "terraform.tfstate": "",
    "terraform.tfstate.backup": "",
    "dev.tfstate": "",
    ".git/config": "",
  });
  expect(await namesIn(await packTemplate(folder.path))).toEqual([
    ".terraform.lock.hcl",
    "main.tf",
    "modules/",
    "modules/a/",
    "scripts/",
    "scripts/.hidden",
  ]);
});

test("the same content gives the same bytes, whenever it was written", async () => {
  await write({ "main.tf": "a", "b/c.txt": "c" });
  const first = await packTemplate(folder.path);
  await utimes(join(folder.path, "main.tf"), 1, 1);
  await rm(join(folder.path, "b"), { recursive: true });
  await write({ "b/c.txt": "c" });
  expect(await packTemplate(folder.path)).toEqual(first);
});

test("a link stays a link", async () => {
  await write({ "main.tf": "" });
  await symlink("main.tf", join(folder.path, "linked"));
  expect(await namesIn(await packTemplate(folder.path))).toEqual(["linked", "main.tf"]);
});

test("a folder without Terraform, a file and a missing folder are refused, each with what to do", async () => {
  await expect(packTemplate(folder.path)).rejects.toThrow(/holds no \.tf file: give the folder/);
  await write({ "main.tf.json": "{}" });
  expect(await namesIn(await packTemplate(folder.path))).toEqual(["main.tf.json"]);
  await expect(packTemplate(join(folder.path, "main.tf.json"))).rejects.toThrow("is not a folder");
  await expect(packTemplate(join(folder.path, "nowhere"))).rejects.toThrow("cannot be read");
});

test("more than the deployment takes is refused before it is sent", async () => {
  await write({ "main.tf": "", big: "" });
  await truncate(join(folder.path, "big"), 10 * 1024 * 1024);
  await expect(packTemplate(folder.path)).rejects.toThrow(/bytes as an archive: at most 10485760 are taken/);
});

test("a starter template goes into an empty or a new folder only", async () => {
  await demandEmptyFolder(folder.path);
  await demandEmptyFolder(join(folder.path, "new"));
  await write({ x: "" });
  await expect(demandEmptyFolder(folder.path)).rejects.toThrow("is not empty");
});
