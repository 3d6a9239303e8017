import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "./coded-error.ts";

/** A timer that is set for longer goes off at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Waits, or ends at once when the signal is aborted: it never throws, so loops look at the signal. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    for (let leftMs = ms; ; leftMs -= LONGEST_TIMER_MS) {
      await delay(Math.min(leftMs, LONGEST_TIMER_MS), undefined, signal === undefined ? {} : { signal });
      if (leftMs <= LONGEST_TIMER_MS) return;
    }
  } catch {
    // aborted: the caller's loop ends by its own condition
  }
}

/** Something did not answer in time. */
export class DeadlineError extends CodedError {
  override readonly name = "DeadlineError";
  constructor(what: string, ms: number) {
    super("deadline_exceeded", `${what}: no answer within ${ms} ms`);
  }
}

/** The promise, or a DeadlineError after `ms`. The work itself is not ended. */
export async function withDeadline<T>(what: string, ms: number, work: Promise<T>): Promise<T> {
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(() => over.reject(new DeadlineError(what, ms)), ms);
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for the work, at most `ms`, and leaves no timer behind; says whether it was in time. Its failure is thrown on. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  try {
    const late = sleep(ms, over.signal).then(() => false);
    return await Promise.race([work.then(() => true), late]);
  } finally {
    over.abort();
  }
}

/**
 * What the work comes to; undefined when the signal is aborted first. Unlike a race with a promise that outlives the work, it
 * keeps nothing of it: for loops that wait for the next thing or for their end.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const end = () => resolve(undefined);
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}
