import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { spawnProgram, temporaryFolder } from "@berth/testing";
import type { Report } from "../src/vitest/report.ts";

const CONFIG = join(import.meta.dirname, "outcomes/vitest.config.ts");

test("each failure is reported with its name, also one outside every test", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "report.json");
  await using run = spawnProgram(["vitest", "run", "--config", CONFIG], { env: { REPORT: file } });
  expect(await run.exit).toMatchObject({ code: 1 });
  const { passed, skipped, failures } = JSON.parse(await readFile(file, "utf8")) as Report;
  expect({ passed, skipped }).toEqual({ passed: 3, skipped: 1 });
  const told = failures.map(({ name, message }) => [name, message.split("\n")[0]]);
  expect(told).toHaveLength(4);
  expect(told).toEqual(
    expect.arrayContaining([
      ["test/outcomes/each-state.ts > in a suite > fails", "expected { a: 1 } to deeply equal { a: 2 }"],
      ["test/outcomes/after-all.ts", "left open: a door"],
      ["test/outcomes/not-loadable.ts", "cannot be loaded"],
      ["outside every test", "nobody caught this"],
    ]),
  );
  expect(failures[0]?.message).toContain('-   "a": 2,');
  expect(failures[0]?.message).toMatch(/at test\/outcomes\/each-state\.ts:5$/m);
});
