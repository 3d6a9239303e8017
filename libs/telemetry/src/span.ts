import { AsyncLocalStorage } from "node:async_hooks";
import { newSpanContext, readTraceparent, writeTraceparent } from "./traceparent.ts";

/** Where a span hangs and what is said of it. */
export interface SpanOptions {
  /** The caller's context as it came over the wire; by default the span that is running here. */
  readonly traceparent?: string | undefined;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

/** Who records spans. Without tracing nobody does, and the context still travels. */
export interface SpanRecorder {
  run<T>(name: string, work: () => T, options: SpanOptions): T;
  /** The running span's `traceparent`. */
  current(): string | undefined;
}

const running = new AsyncLocalStorage<string>();

const contextOnly: SpanRecorder = {
  run(_name, work, { traceparent }) {
    const parent = readTraceparent(traceparent ?? running.getStore());
    return running.run(writeTraceparent(newSpanContext(parent)), work);
  },
  current: () => running.getStore(),
};

const recorder = { now: contextOnly };

/** Runs the work inside a span, named `<service>.<verb>`; a failure is noted on the span and thrown on. */
export function withSpan<T>(name: string, work: () => T, options: SpanOptions = {}): T {
  return recorder.now.run(name, work, options);
}

/** The `traceparent` to send with a call or to store with a job; undefined outside any span. */
export function currentTraceparent(): string | undefined {
  return recorder.now.current();
}

/** Lets spans be recorded from here on. Disposing goes back to passing the context only. */
export function recordSpans(by: SpanRecorder): Disposable {
  recorder.now = by;
  return { [Symbol.dispose]: () => void (recorder.now = contextOnly) };
}
