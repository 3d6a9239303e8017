/**
 * `npm test [-- <project> …]`: every project's tests through nx, nothing replayed from a cache, then the end-to-end
 * scenarios by themselves. Closes with one line: `N passed, N failed`.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { startRunPostgres, URL_VARIABLE } from "../libs/testing/src/run-postgres.ts";

const REPORTS = resolve("node_modules/.cache/test-reports");
rmSync(REPORTS, { recursive: true, force: true });
mkdirSync(REPORTS, { recursive: true });

const asked = process.argv.slice(2).map((name) => (name.startsWith("@") ? name : `@berth/${name}`));
const END_TO_END = "@berth/e2e";

await using postgres = await startRunPostgres();

/** Runs nx once; answers whether every project passed. */
function nx(...args: string[]): boolean {
  const result = spawnSync(
    "nx",
    ["run-many", "--target=test", "--skip-nx-cache", "--output-style=static", ...args],
    {
      stdio: "inherit",
      env: {
        ...process.env,
        [URL_VARIABLE]: postgres.url,
        NX_DAEMON: "false",
        NX_CACHE_DIRECTORY: resolve(".nx/cache"),
        BERTH_TEST_REPORTS: REPORTS,
      },
    },
  );
  return result.status === 0;
}

const runs: string[][] =
  asked.length > 0
    ? [["--parallel=1", `--projects=${asked.join(",")}`]]
    : [
        ["--parallel=2", `--exclude=${END_TO_END}`],
        ["--parallel=1", `--projects=${END_TO_END}`],
      ];
const passedAll = runs.map((args) => nx(...args)).every(Boolean);

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}
const reports = globSync(join(REPORTS, "*.json")).map(
  (file) => JSON.parse(readFileSync(file, "utf8")) as Report,
);
const sum = (count: (report: Report) => number) =>
  reports.reduce((total, report) => total + count(report), 0);
const passed = sum((report) => report.numPassedTests);
/** A file that could not even be collected failed too, with no test to its name. */
const broken = sum(
  (report) =>
    report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0)
      .length,
);
const failed = sum((report) => report.numFailedTests) + broken;
const skipped = sum((report) => report.numPendingTests);
if (!passedAll || failed > 0 || passed === 0) process.exitCode = 1;
process.stdout.write(
  `\n${passed} passed, ${!passedAll && failed === 0 ? 1 : failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
);
