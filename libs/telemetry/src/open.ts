import type { TelemetryConfig } from "./config.ts";
import { createLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { openOutputs } from "./outputs.ts";
import type { Fields, Logger, Metrics } from "./types.ts";

/** Log, metrics and traces of one process; disposing sends what is recorded. */
export interface Telemetry extends AsyncDisposable {
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * Opens what the configuration names; the OpenTelemetry SDK is loaded only when tracing is on.
 * @throws ConfigError when a log file cannot be opened
 */
export async function openTelemetry(
  config: TelemetryConfig,
  { serviceName, fields = {} }: { serviceName: string; fields?: Fields },
): Promise<Telemetry> {
  const log = createLogger({ to: await openOutputs(config), verbose: config.verbose, fields });
  const tracing = config.trace ? (await import("./tracing.ts")).startTracing(serviceName) : undefined;
  return {
    log,
    metrics: createMetrics(),
    async [Symbol.asyncDispose]() {
      await tracing?.[Symbol.asyncDispose]();
    },
  };
}
