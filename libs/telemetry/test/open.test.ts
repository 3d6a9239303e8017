import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type IncomingMessage, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "@berth/std";
import { afterEach, expect, test, vi } from "vitest";
import { currentTraceparent, openTelemetry, readTraceparent, withSpan } from "../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-telemetry-"));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const quiet = { human: undefined, json: "/dev/null", verbose: false, trace: false };

test("lines go to the named files, for people and as JSON side by side", async () => {
  const [human, json] = [join(folder, "human.log"), join(folder, "json.log")];
  const config = { human, json, verbose: false, trace: false };
  await using telemetry = await openTelemetry(config, { serviceName: "test" });
  telemetry.log.info("listening", { port: 3000 });
  expect(readFileSync(human, "utf8")).toMatch(/^\[.*INFO.*listening\n {4}port: 3000\n$/);
  expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({ msg: "listening", port: 3000 });
});

test("a log file that cannot be opened is a mistake of the configuration that names the variable", async () => {
  const config = { ...quiet, json: "/dev/null/x" };
  await expect(openTelemetry(config, { serviceName: "test" })).rejects.toThrow(/CODER_LOGGING_JSON is "/);
});

test("with tracing on, spans reach the collector that OTEL_* names, under the caller's trace", async () => {
  const arrived = deferred<{ url: string | undefined; body: string }>();
  await using collector = await startCollector(arrived.resolve);
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", `http://127.0.0.1:${collector.port}`);
  vi.stubEnv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
  const telemetry = await openTelemetry({ ...quiet, trace: true }, { serviceName: "berth-test" });
  const traceparent = `00-${"c".repeat(32)}-${"d".repeat(16)}-01`;
  const seen = await withSpan("api.create", () => Promise.resolve(currentTraceparent()), { traceparent });
  await expect(withSpan("api.fail", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(readTraceparent(seen)?.traceId).toBe("c".repeat(32));
  await telemetry[Symbol.asyncDispose]();
  const { url, body } = await arrived.promise;
  expect(url).toBe("/v1/traces");
  expect(body).toContain("api.create");
  expect(body).toContain("berth-test");
  expect(body).toContain("c".repeat(32));
});

async function startCollector(arrived: (request: { url: string | undefined; body: string }) => void) {
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      response.end("{}");
      arrived({ url: request.url, body });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks = await request.toArray();
  return Buffer.concat(chunks as Buffer[]).toString();
}
