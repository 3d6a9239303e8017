import { ROOT_CONTEXT, type Span, SpanStatusCode, context, trace } from "@opentelemetry/api";
import { startNodeSdk } from "@opentelemetry/sdk-node";
import { messageOf, version } from "@berth/std";
import { type SpanOptions, type SpanRecorder, recordSpans } from "./span.ts";
import { readTraceparent, writeTraceparent } from "./traceparent.ts";

// Loaded by dynamic import when tracing is on: the SDK costs 0.3 s and 40 MB at start.

/** Starts the OpenTelemetry SDK; where spans go, which are sampled and how they are named is said by OTEL_* variables. */
export function startTracing(serviceName: string): AsyncDisposable {
  const sdk = startNodeSdk({
    logLevel: "error",
    resourceDetectors: [],
    metricReaders: [],
    logRecordProcessors: [],
    resourceAttributes: { "service.name": serviceName, "service.version": version },
  });
  const recording = recordSpans(openTelemetrySpans);
  return {
    async [Symbol.asyncDispose]() {
      recording[Symbol.dispose]();
      await sdk.shutdown();
    },
  };
}

const openTelemetrySpans: SpanRecorder = {
  run(name, work, options) {
    const attributes = { ...options.attributes };
    return trace
      .getTracer("berth")
      .startActiveSpan(name, { attributes }, parentOf(options), (span) => watch(span, work));
  },
  current() {
    const span = trace.getActiveSpan()?.spanContext();
    return span && writeTraceparent({ ...span, sampled: (span.traceFlags & 1) === 1 });
  },
};

function parentOf({ traceparent }: SpanOptions) {
  const remote = readTraceparent(traceparent);
  if (remote === undefined) return context.active();
  const { traceId, spanId, sampled } = remote;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: sampled ? 1 : 0,
    isRemote: true,
  });
}

function watch<T>(span: Span, work: () => T): T {
  try {
    const result = work();
    if (!(result instanceof Promise)) {
      span.end();
      return result;
    }
    result.then(
      () => span.end(),
      (error: unknown) => fail(span, error),
    );
    return result;
  } catch (error) {
    fail(span, error);
    throw error;
  }
}

function fail(span: Span, error: unknown): void {
  span.recordException(error instanceof Error ? error : messageOf(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
  span.end();
}
