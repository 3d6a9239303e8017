import { type DestinationStream, type Logger as Pino, pino } from "pino";
import { currentTraceparent } from "./span.ts";
import { readTraceparent } from "./traceparent.ts";
import type { Fields, Logger } from "./types.ts";

/** Where lines go: anything with `write(line)`; by default stderr, synchronously, so that no line is lost at the end. */
export interface LoggerOptions {
  readonly to?: DestinationStream;
  readonly verbose?: boolean;
  /** On every line. */
  readonly fields?: Fields;
}

/** A logger that writes one JSON object per line: time, level, fields, trace id, message. */
export function createLogger({ to, verbose = false, fields = {} }: LoggerOptions = {}): Logger {
  const options = {
    level: verbose ? "debug" : "info",
    base: fields,
    errorKey: "error",
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
    serializers: { error: pino.stdSerializers.errWithCause },
    mixin: traceFields,
  };
  return wrap(pino(options, to ?? pino.destination({ fd: 2, sync: true })));
}

function traceFields(): object {
  const span = readTraceparent(currentTraceparent());
  return span === undefined ? {} : { trace: span.traceId };
}

function wrap(to: Pino): Logger {
  return {
    debug: (message, fields) => to.debug(fields ?? {}, message),
    info: (message, fields) => to.info(fields ?? {}, message),
    warn: (message, fields) => to.warn(fields ?? {}, message),
    error: (message, fields) => to.error(fields ?? {}, message),
    child: (fields) => wrap(to.child(fields)),
  };
}
