import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@berth/testing";
import { expect, test } from "vitest";
import { ArchiveCache } from "../src/cache/archives.ts";

const bytes = Buffer.from("a template");
const sha256 = createHash("sha256").update(bytes).digest("hex");

function source(parts: readonly Buffer[]) {
  const asked = { times: 0 };
  const download = async function* () {
    asked.times += 1;
    for (const chunk of parts) yield await Promise.resolve({ chunk });
  };
  return { asked, download };
}

test("an archive is fetched once, and again when the one on disk is not whole", async () => {
  await using folder = await temporaryFolder();
  const cache = new ArchiveCache(folder.path);
  const { asked, download } = source([bytes.subarray(0, 3), bytes.subarray(3)]);
  expect(await cache.get(sha256, download)).toEqual(bytes);
  expect(await cache.get(sha256, download)).toEqual(bytes);
  expect(asked.times).toBe(1);
  await writeFile(join(folder.path, "archives", sha256), "torn");
  expect(await cache.get(sha256, download)).toEqual(bytes);
  expect(asked.times).toBe(2);
});

test("another file than the promised one is refused and not kept", async () => {
  await using folder = await temporaryFolder();
  const cache = new ArchiveCache(folder.path);
  await expect(cache.get(sha256, source([Buffer.from("other")]).download)).rejects.toThrow("was promised");
  const { asked, download } = source([bytes]);
  await cache.get(sha256, download);
  expect(asked.times).toBe(1);
});
