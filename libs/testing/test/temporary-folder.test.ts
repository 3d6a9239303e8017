import { mkdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { expectNoLeaks, spawnProgram, temporaryFolder } from "@berth/testing";
import { sweepTemporaryFolders } from "../src/temporary-folder.ts";

expectNoLeaks();

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

test("what a killed test process has left is removed, and what a living one has is not", async () => {
  const living = await temporaryFolder();
  onTestFinished(() => living[Symbol.asyncDispose]());
  const killed = spawnProgram(["sleep", "60"]);
  const left = join(tmpdir(), `berth-test-${killed.pid}-abcdef`);
  await mkdir(left);
  await sweepTemporaryFolders();
  expect(await isThere(left)).toBe(true);
  killed.kill("SIGKILL");
  await killed.exit;
  await sweepTemporaryFolders();
  expect(await isThere(left)).toBe(false);
  expect(await isThere(living.path)).toBe(true);
});
