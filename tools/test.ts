/**
 * `npm test [-- <project> …]`: every project's tests through nx, nothing replayed from a cache, then the end-to-end
 * scenarios by themselves. Closes with what failed, and one line: `N passed, N failed`.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { startRunPostgres, URL_VARIABLE } from "../libs/testing/src/run-postgres.ts";
import type { Report } from "../libs/testing/src/vitest/report.ts";

const REPORTS = resolve("node_modules/.cache/test-reports");
rmSync(REPORTS, { recursive: true, force: true });
mkdirSync(REPORTS, { recursive: true });

const projects = globSync("{apps,libs}/*/package.json").map((file) => basename(dirname(file)));
const asked = process.argv.slice(2).map((name) => name.replace(/^@berth\//, ""));
const unknown = asked.find((name) => !projects.includes(name));
if (unknown !== undefined) {
  process.stderr.write(
    `error: there is no project "${unknown}": npm test -- ${projects.toSorted().join("|")}\n`,
  );
  process.exit(1);
}
const END_TO_END = "@berth/e2e";

// Ctrl-C is for the tests, which hear it too: we end our Postgres after them.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);

await using postgres = await startRunPostgres();

/** Runs nx once; answers its exit code, over 128 when a signal ended it. */
function nx(...args: string[]): number {
  const { status } = spawnSync(
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
  return status ?? 130;
}

const runs: string[][] =
  asked.length > 0
    ? [["--parallel=1", `--projects=${asked.map((name) => `@berth/${name}`).join(",")}`]]
    : [
        ["--parallel=2", `--exclude=${END_TO_END}`],
        ["--parallel=1", `--projects=${END_TO_END}`],
      ];
let worst = 0;
for (const args of runs) if (worst < 128) worst = Math.max(worst, nx(...args));

const reports = globSync(join(REPORTS, "*.json")).map(
  (file) => [basename(file, ".json"), JSON.parse(readFileSync(file, "utf8")) as Report] as const,
);
const sum = (count: (report: Report) => number) =>
  reports.reduce((total, [, report]) => total + count(report), 0);
const passed = sum((report) => report.passed);
const skipped = sum((report) => report.skipped);
const failures = reports.flatMap(([project, report]) =>
  report.failures.map(({ name, message }) => `${project}: ${name}\n${message}\n`),
);
if (worst > 0 && failures.length === 0) failures.push("a project ended without a report: see above\n");
if (failures.length > 0 || passed === 0) process.exitCode = 1;
process.stdout.write(
  `\n${failures.map((failure) => `FAILED ${failure}\n`).join("")}${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
);
