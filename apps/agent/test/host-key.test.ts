import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "@berth/testing";
import { generateHostKey } from "../src/ssh/host-key.ts";

const noKeygen = spawnSync("ssh-keygen", ["-?"]).error !== undefined;

test.skipIf(noKeygen)("OpenSSH reads it as its own", async () => {
  await using folder = await temporaryFolder();
  const { privateKey, publicLine } = generateHostKey();
  const file = join(folder.path, "key");
  await writeFile(file, privateKey, { mode: 0o600 });
  const { stdout } = spawnSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" });
  expect(stdout.trim()).toBe(publicLine);
});
