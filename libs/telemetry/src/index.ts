export type * from "./types.ts";
export { type LoggerOptions, createLogger } from "./logger.ts";
export { createMetrics } from "./metrics.ts";
export { type Telemetry, openTelemetry } from "./open.ts";
export { type TelemetryConfig, telemetryConfig } from "./config.ts";
export { type SpanOptions, currentTraceparent, withSpan } from "./span.ts";
export { type SpanContext, readTraceparent } from "./traceparent.ts";
