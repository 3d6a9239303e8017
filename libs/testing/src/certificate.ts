import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

/** A certificate and its key, as files. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Why no certificate can be made here; undefined when it can. */
export function noOpenSsl(): string | undefined {
  return spawnSync("openssl", ["version"]).error === undefined ? undefined : "openssl is not on PATH";
}

/** Makes a certificate for localhost, signed by itself, in a folder. */
export function makeCertificate(folder: string): TestCertificate {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const files = ["-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...files, "-days", "2", ...subject], { stdio: "pipe" });
  return { cert, key };
}
