import { flag, section, text } from "@berth/config";

/** What is logged and traced, and where to. OTEL_* variables are read by the OpenTelemetry SDK itself. */
export const telemetryConfig = section({
  human: text("CODER_LOGGING_HUMAN", "File for log lines for people; /dev/stderr when that is a terminal"),
  json: text("CODER_LOGGING_JSON", "File for log lines as JSON; /dev/stderr when that is no terminal"),
  verbose: flag("CODER_VERBOSE", false, "Log debug lines too"),
  trace: flag("CODER_TRACE_ENABLE", false, "Record OpenTelemetry traces; OTEL_* variables say where they go"),
});

/** The values of `telemetryConfig`. */
export interface TelemetryConfig {
  readonly human: string | undefined;
  readonly json: string | undefined;
  readonly verbose: boolean;
  readonly trace: boolean;
}
