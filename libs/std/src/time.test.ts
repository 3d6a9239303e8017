import { getEventListeners } from "node:events";
import { expect, test, vi } from "vitest";
import { DeadlineError, atMost, sleep, unlessAborted, withDeadline } from "./index.ts";

test("waiting at most so long says whether the work was in time, and throws its failure on", async () => {
  expect(await atMost(60_000, Promise.resolve("done"))).toBe(true);
  expect(await atMost(1, new Promise(() => undefined))).toBe(false);
  expect(await atMost(Infinity, sleep(5))).toBe(true);
  await expect(atMost(60_000, Promise.reject(new Error("broken")))).rejects.toThrow("broken");
});

test("a deadline that passes is an error that names what did not answer", async () => {
  const late = withDeadline("asking Postgres", 1, new Promise(() => undefined));
  await expect(late).rejects.toThrow(DeadlineError);
  await expect(late).rejects.toThrow("asking Postgres: no answer within 1 ms");
  expect(await withDeadline("asking", 60_000, Promise.resolve(7))).toBe(7);
});

test("a sleep ends early, and does not throw, when its signal is aborted", async () => {
  const gone = new AbortController();
  const slept = sleep(60_000, gone.signal);
  gone.abort();
  await slept;
  await sleep(60_000, gone.signal);
});

test("a sleep of months does not end at once", async () => {
  const waking = new AbortController();
  const ended = vi.fn();
  const sleeping = sleep(2 ** 33, waking.signal).then(ended);
  await sleep(20);
  expect(ended).not.toHaveBeenCalled();
  waking.abort();
  await sleeping;
});

test("what a signal ends is undefined, what comes before is its outcome, and neither leaves a listener", async () => {
  const ending = new AbortController();
  const { signal } = ending;
  expect(await unlessAborted(Promise.resolve(1), signal)).toBe(1);
  await expect(unlessAborted(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
  expect(getEventListeners(signal, "abort")).toEqual([]);
  const waiting = unlessAborted(new Promise(() => undefined), signal);
  ending.abort();
  expect(await waiting).toBeUndefined();
  expect(await unlessAborted(new Promise(() => undefined), signal)).toBeUndefined();
});
