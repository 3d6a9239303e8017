import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolder } from "../src/scene.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
let folder: string;
let copy: string;

beforeAll(async () => {
  folder = await makeFolder();
  copy = join(folder, "berth");
  await cp(ROOT, copy, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !/\/(\.git|\.nx|node_modules\/\.cache)$/.test(path),
  });
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }), 60_000);

function run(...command: [string, ...string[]]): { status: number | null; output: string } {
  const [program, ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: copy,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  return { status, output: stdout + stderr };
}

/** Every file of the copy that is not installed or generated. */
function sources(): readonly string[] {
  return globSync("{apps,libs,proto,tools}/**", {
    cwd: copy,
    exclude: ["**/node_modules", "**/gen"],
  }).toSorted();
}

test("a service, an rpc and a migration are made by one command each, and what they make holds", () => {
  for (const args of [
    ["service", "usage-report"],
    ["rpc", "usage-report", "GetReport"],
    ["migration", "usage-report", "add-notes", "expand"],
  ])
    expect(run("npm", "run", "--silent", "new", ...args)).toMatchObject({ status: 0 });
  const checked = run("npm", "run", "--silent", "check");
  expect(checked.status, checked.output).toBe(0);
  const tested = run("npm", "test", "--silent", "--", "usage-report");
  expect(tested.status, tested.output).toBe(0);
  expect(tested.output).toMatch(/^2 passed, 0 failed$/m);
}, 300_000);

test.each([
  ["service", "Not A Name"],
  ["service", "api"],
  ["service", "user"],
  ["rpc", "nobody", "GetIt"],
  ["rpc", "replica-registry", "GetIt"],
  ["migration", "usage-report", "add", "sideways"],
])("new %s %s is refused and makes nothing", (...args) => {
  const before = sources();
  const refused = run("npm", "run", "--silent", "new", "--", ...args);
  expect(refused.status).toBe(1);
  expect(refused.output).toMatch(/^error: /);
  expect(sources()).toEqual(before);
});
