import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Scope } from "@berth/std";
import { afterEach, beforeEach, expect, test } from "vitest";
import { spawnProgram } from "./spawn.ts";

let scope: Scope;
beforeEach(() => void (scope = new Scope()));
afterEach(() => scope.close());

const start = (env: Record<string, string>, args: string[] = []) =>
  spawnProgram(scope, "two-services.ts", args, env);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(address !== null && typeof address === "object" ? address.port : 0));
    });
  });
}

test("metrics are served on an address of their own", async () => {
  const port = await freePort();
  const child = start({ CODER_PROMETHEUS_ENABLE: "true", CODER_PROMETHEUS_ADDRESS: `127.0.0.1:${port}` });
  await child.event(/^api started/);
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.headers.get("content-type")).toContain("text/plain");
  expect(await response.text()).toContain("process_cpu_seconds_total");
});

test("an address for metrics that is taken is a mistake of the configuration", async () => {
  const child = start({ CODER_PROMETHEUS_ENABLE: "true", CODER_PROMETHEUS_ADDRESS: "192.0.2.1:2112" });
  expect((await child.ended).code).toBe(78);
  expect(child.stderr()).toContain('CODER_PROMETHEUS_ADDRESS is "192.0.2.1:2112": listening there failed');
});

test("TLS without its files, or with files that are none, names each variable", async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-tls-"));
  scope.add("folder", () => rmSync(folder, { recursive: true, force: true }));
  const missing = start({ CODER_TLS_ENABLE: "true", CODER_TLS_CERT_FILE: join(folder, "none.pem") });
  expect((await missing.ended).code).toBe(78);
  expect(missing.stderr()).toMatch(/CODER_TLS_CERT_FILE is ".*none\.pem": the file cannot be read/);
  expect(missing.stderr()).toContain("CODER_TLS_KEY_FILE: it is not set");
  const file = join(folder, "text.pem");
  writeFileSync(file, "no certificate");
  const wrong = start({ CODER_TLS_ENABLE: "true", CODER_TLS_CERT_FILE: file, CODER_TLS_KEY_FILE: file });
  expect((await wrong.ended).code).toBe(78);
  expect(wrong.stderr()).toMatch(/CODER_TLS_CERT_FILE is ".*text\.pem": it is no certificate/);
});

test("a data folder that cannot be made is a mistake of the configuration, found before anything is opened", async () => {
  const child = start({ CODER_CONFIG_DIR: "/dev/null/berth" }, ["--prepared"]);
  expect((await child.ended).code).toBe(78);
  expect(child.stderr()).toContain('CODER_CONFIG_DIR is "/dev/null/berth": the folder cannot be used');
  expect(child.events).toEqual([]);
});
