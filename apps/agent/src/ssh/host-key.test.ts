import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { temporaryFolder } from "@berth/testing";
import { generateHostKey } from "./host-key.ts";

test("every key that is made can be read, and both its forms are of one key", () => {
  for (let round = 0; round < 1000; round += 1) {
    const { privateKey, publicLine } = generateHostKey();
    const parsed = ssh2.utils.parseKey(privateKey);
    if (parsed instanceof Error) throw parsed;
    expect(`ssh-ed25519 ${parsed.getPublicSSH().toString("base64")}`).toBe(publicLine);
  }
});

const noKeygen = spawnSync("ssh-keygen", ["-?"]).error !== undefined;

test.skipIf(noKeygen)("OpenSSH reads it as its own", async () => {
  await using folder = await temporaryFolder();
  const { privateKey, publicLine } = generateHostKey();
  const file = join(folder.path, "key");
  await writeFile(file, privateKey, { mode: 0o600 });
  const { stdout } = spawnSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" });
  expect(stdout.trim()).toBe(publicLine);
});
