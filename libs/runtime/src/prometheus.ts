import { createServer } from "node:http";
import { type Address, ConfigError } from "@berth/config";
import { type Scope, messageOf } from "@berth/std";
import type { Metrics } from "@berth/telemetry";

/**
 * Serves the exposition text on an address of its own, at every path: scrapers differ in which they ask for.
 * @throws ConfigError when the address cannot be listened on
 */
export async function servePrometheus(address: Address, metrics: Metrics, scope: Scope): Promise<void> {
  const server = createServer((_request, response) => {
    metrics.expose().then(
      (text) => {
        response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
        response.end(text);
      },
      (error: unknown) => response.writeHead(500).end(messageOf(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, resolve);
  }).catch((error: unknown) => {
    throw new ConfigError([
      {
        variable: "CODER_PROMETHEUS_ADDRESS",
        value: `${address.host}:${address.port}`,
        expected: `listening there failed (${messageOf(error)})`,
        mend: "Set it to a free address, or CODER_PROMETHEUS_ENABLE to false",
      },
    ]);
  });
  scope.add("prometheus", () => {
    server.close();
    server.closeAllConnections();
  });
}
