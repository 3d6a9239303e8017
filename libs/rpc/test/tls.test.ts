import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

// The clients trust what Node trusts, and Node reads NODE_EXTRA_CA_CERTS once: so both ends run in a process of their own.

const certificate = makeCertificate();
const why = certificate === undefined ? " (skipped: openssl is not on PATH to make a certificate)" : "";

test.skipIf(certificate === undefined)(
  `with a certificate, ALPN decides between gRPC and HTTP on one port${why}`,
  () => {
    const { folder = "", cert = "", key = "" } = certificate ?? {};
    try {
      const answer = execFileSync(
        process.execPath,
        [join(import.meta.dirname, "tls-both-ends.ts"), cert, key, folder],
        {
          env: { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: cert },
          encoding: "utf8",
        },
      );
      expect(JSON.parse(answer)).toEqual({
        grpc: "sealed",
        http: "hello",
        websocket: "echo",
        insideWebSocket: "sealed",
        ownSocket: "sealed",
        plain: "refused",
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

function makeCertificate() {
  const folder = mkdtempSync(join(tmpdir(), "berth-tls-"));
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
