import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { makeCertificate, noOpenSsl, temporaryFolder } from "@berth/testing";
import { expect, test } from "vitest";

// The clients trust what Node trusts, and Node reads NODE_EXTRA_CA_CERTS once: so both ends run in a process of their own.

test.skipIf(noOpenSsl())("with a certificate, ALPN decides between gRPC and HTTP on one port", async () => {
  await using folder = await temporaryFolder();
  const { cert, key } = makeCertificate(folder.path);
  const program = join(import.meta.dirname, "tls-both-ends.ts");
  const { stdout, stderr } = spawnSync(process.execPath, [program, cert, key], {
    env: { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: cert },
    encoding: "utf8",
  });
  expect(stderr).toBe(""); // Node warns there of an address where TLS wants a name
  expect(JSON.parse(stdout)).toEqual({
    byAddress: "sealed",
    byAnotherAddress: "ERR_TLS_CERT_ALTNAME_INVALID",
    grpc: "sealed",
    http: "hello",
    websocket: "echo",
    insideWebSocket: "sealed",
    ownSocket: "sealed",
    plain: "refused",
  });
});
