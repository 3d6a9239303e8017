import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@berth/testing";
import { expect, test } from "vitest";
import { CacheHeldError, holdCache, holdFirstFree } from "../src/cache/lock.ts";

test("a folder is held by one, the second is told by whom, and it is free again afterwards", async () => {
  await using folder = await temporaryFolder();
  {
    await using _first = await holdCache(folder.path);
    await expect(holdCache(folder.path)).rejects.toThrow(`the daemon with pid ${process.pid} holds it`);
  }
  await using _again = await holdCache(folder.path);
});

test("of many that come at once exactly one gets it, also where the holder before died", async () => {
  await using folder = await temporaryFolder();
  const tries = await Promise.allSettled(Array.from({ length: 12 }, () => holdCache(folder.path)));
  const held = tries.filter((each) => each.status === "fulfilled");
  const refused = tries.filter((each) => each.status === "rejected");
  expect(held).toHaveLength(1);
  expect(refused.every(({ reason }) => reason instanceof CacheHeldError)).toBe(true);
  for (const { value } of held) await value[Symbol.asyncDispose]();
});

test("a folder whose path is too long for a socket is held all the same", async () => {
  await using folder = await temporaryFolder();
  const deep = join(folder.path, "x".repeat(120));
  await mkdir(deep);
  await using _first = await holdCache(deep);
  await expect(holdCache(deep)).rejects.toThrow(CacheHeldError);
});

test("of several folders the first that nobody holds is taken", async () => {
  await using folder = await temporaryFolder();
  const [first, second] = [join(folder.path, "first"), join(folder.path, "second")];
  await using held = await holdFirstFree([first, second]);
  await using spare = await holdFirstFree([first, second]);
  expect([held.folder, spare.folder]).toEqual([first, second]);
  await expect(holdFirstFree([first, second])).rejects.toThrow(CacheHeldError);
});
