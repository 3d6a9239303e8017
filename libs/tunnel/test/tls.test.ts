import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

// What is trusted is what Node trusts, and Node reads NODE_EXTRA_CA_CERTS once: so both ends run in a process of their own.

const certificate = makeCertificate();
const why = certificate === undefined ? " (skipped: openssl is not on PATH to make a certificate)" : "";

test.skipIf(certificate === undefined)(
  `a relay behind TLS is reached by its name; one whose certificate nobody trusts is not${why}`,
  () => {
    const { folder = "", cert = "", key = "" } = certificate ?? {};
    const run = (env: Record<string, string>) =>
      execFileSync(process.execPath, [join(import.meta.dirname, "tls-both-ends.ts"), cert, key], {
        env: { PATH: process.env["PATH"], ...env },
        encoding: "utf8",
      });
    try {
      expect(run({ NODE_EXTRA_CA_CERTS: cert })).toBe("echo");
      expect(run({})).toMatch(/^unavailable .*self-signed certificate/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

function makeCertificate() {
  const folder = mkdtempSync(join(tmpdir(), "berth-tunnel-tls-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const files = ["-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert];
  try {
    execFileSync("openssl", ["req", "-x509", ...files, "-days", "2", ...subject], { stdio: "pipe" });
    return { folder, cert, key };
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return undefined; // the test's name says so
  }
}
