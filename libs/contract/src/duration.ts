import type { Duration } from "./gen/google/protobuf/duration.ts";

/** Milliseconds (a fraction is kept to the nanosecond) as a protobuf Duration. */
export function durationFromMs(ms: number): Duration {
  const seconds = Math.trunc(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

/** A protobuf Duration in milliseconds; absent is 0. */
export function msFromDuration(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
