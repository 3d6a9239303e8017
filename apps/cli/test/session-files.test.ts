import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "@berth/testing";
import { forgetSession, readSession, saveSession } from "../src/session-files.ts";

let home: TemporaryFolder;
beforeEach(async () => void (home = await temporaryFolder()));
afterEach(() => home[Symbol.asyncDispose]());

const session = { url: "http://plane:3000", token: "id-secret" };

test("a session is saved for its owner alone, in place of what was there, and nothing is left beside it", async () => {
  const folder = join(home.path, ".config", "berth");
  await saveSession(folder, { url: "http://old", token: "old" });
  await chmod(join(folder, "session"), 0o644);
  await saveSession(folder, session);
  expect(await readSession(folder)).toEqual(session);
  expect((await readdir(folder)).sort()).toEqual(["session", "url"]);
  for (const [path, mode] of [
    [folder, 0o700],
    [join(folder, "url"), 0o600],
    [join(folder, "session"), 0o600],
  ] as const)
    expect((await stat(path)).mode & 0o777).toBe(mode);
});

test("files that editors wrote are read, with their line ends; none are no session", async () => {
  expect(await readSession(home.path)).toEqual({});
  await writeFile(join(home.path, "url"), " http://plane:3000\n");
  await writeFile(join(home.path, "session"), "\n");
  expect(await readSession(home.path)).toEqual({ url: "http://plane:3000" });
});

test("forgetting keeps the URL, and may be done twice", async () => {
  await saveSession(home.path, session);
  await forgetSession(home.path);
  await forgetSession(home.path);
  expect(await readSession(home.path)).toEqual({ url: session.url });
});
