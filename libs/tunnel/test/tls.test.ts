import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { makeCertificate, noOpenSsl, temporaryFolder } from "@berth/testing";
import { expect, test } from "vitest";

// What is trusted is what Node trusts, and Node reads NODE_EXTRA_CA_CERTS once: so both ends run in a process of their own.

test.skipIf(noOpenSsl())(
  "a relay behind TLS is reached by its name; one whose certificate nobody trusts is not",
  async () => {
    await using folder = await temporaryFolder();
    const { cert, key } = makeCertificate(folder.path);
    const run = (env: Record<string, string>) =>
      execFileSync(process.execPath, [join(import.meta.dirname, "tls-both-ends.ts"), cert, key], {
        env: { PATH: process.env["PATH"], ...env },
        encoding: "utf8",
      });
    expect(run({ NODE_EXTRA_CA_CERTS: cert })).toBe("echo");
    expect(run({})).toMatch(/^unavailable .*self-signed certificate/);
  },
);
