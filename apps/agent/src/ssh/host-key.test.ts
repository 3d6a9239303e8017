import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { generateHostKey } from "./host-key.ts";

test("every key that is made can be read, and both its forms are of one key", () => {
  for (let round = 0; round < 1000; round += 1) {
    const { privateKey, publicLine } = generateHostKey();
    const parsed = ssh2.utils.parseKey(privateKey);
    if (parsed instanceof Error) throw parsed;
    expect(`ssh-ed25519 ${parsed.getPublicSSH().toString("base64")}`).toBe(publicLine);
  }
});
