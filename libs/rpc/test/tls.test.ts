import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { makeCertificate, noOpenSsl, temporaryFolder } from "@berth/testing";
import { expect, test } from "vitest";

// The clients trust what Node trusts, and Node reads NODE_EXTRA_CA_CERTS once: so both ends run in a process of their own.

test.skipIf(noOpenSsl())("with a certificate, ALPN decides between gRPC and HTTP on one port", async () => {
  await using folder = await temporaryFolder();
  const { cert, key } = makeCertificate(folder.path);
  const answer = execFileSync(process.execPath, [join(import.meta.dirname, "tls-both-ends.ts"), cert, key], {
    env: { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: cert },
    encoding: "utf8",
  });
  expect(JSON.parse(answer)).toEqual({
    grpc: "sealed",
    http: "hello",
    websocket: "echo",
    insideWebSocket: "sealed",
    ownSocket: "sealed",
    plain: "refused",
  });
});
