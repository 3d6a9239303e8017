import { expect, test } from "vitest";
import { deferred } from "./deferred.ts";
import { Turnstile } from "./turnstile.ts";

test("no more than a few are at work, the rest in the order they came, and one too many is refused", async () => {
  const turnstile = new Turnstile({ atOnce: 2, mayWait: 2 });
  const ends = [deferred(), deferred(), deferred(), deferred()];
  const began: number[] = [];
  const passes = ends.map((end, i) =>
    turnstile.pass(() => {
      began.push(i);
      return end.promise;
    }),
  );
  await expect(turnstile.pass(() => Promise.resolve())).rejects.toMatchObject({ code: "resource_exhausted" });
  expect(began).toEqual([0, 1]);
  ends[1]?.resolve();
  await passes[1];
  await expect.poll(() => began).toEqual([0, 1, 2]);
  for (const end of ends) end.resolve();
  await Promise.all(passes);
  expect(began).toEqual([0, 1, 2, 3]);
});

test("work that fails makes room, too", async () => {
  const turnstile = new Turnstile({ atOnce: 1, mayWait: 1 });
  const failed = turnstile.pass(() => Promise.reject(new Error("broken")));
  const next = turnstile.pass(() => Promise.resolve("done"));
  await expect(failed).rejects.toThrow("broken");
  expect(await next).toBe("done");
  expect(await turnstile.pass(() => Promise.resolve("again"))).toBe("again");
});
