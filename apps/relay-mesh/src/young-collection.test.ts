import { PerformanceObserver, constants } from "node:perf_hooks";
import { eventually } from "@berth/testing";
import { expect, test } from "vitest";
import { YoungCollection } from "./young-collection.ts";

test("the young generation is collected once for every 16 MiB that have come and gone", async () => {
  const collection = new YoungCollection();
  let forced = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!("detail" in entry)) continue; // the types leave out what entries of "gc" have
      const { kind, flags } = entry.detail as { kind: number; flags: number };
      const isForced = (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0;
      if (kind === constants.NODE_PERFORMANCE_GC_MINOR && isForced) forced += 1;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  for (let reads = 0; reads < 2 * 256; reads += 1) collection.churned(64 * 1024);
  await eventually(() => expect(forced).toBe(2));
  observer.disconnect();
});
