import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { ReportWriter } from "./libs/testing/src/vitest/report.ts";

const testing = (path: string) => fileURLToPath(new URL(`libs/testing/src/${path}`, import.meta.url));

/** Where `npm test` wants each project's figures. */
const reports = process.env["BERTH_TEST_REPORTS"];

export default defineConfig({
  test: {
    // chaos/ is for `npm run chaos` alone: it takes longer than anybody waits for
    include: [process.env["BERTH_CHAOS"] === undefined ? "{src,test}/**/*.test.ts" : "chaos/**/*.test.ts"],
    globalSetup: [testing("vitest/global-setup.ts")],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    passWithNoTests: false,
    // The Postgres driver asks for types in a statement that nobody awaits: see libs/runtime/src/lifetime.ts
    onUnhandledError: ({ name }) => name !== "DatabaseError",
    reporters: [
      "default",
      ...(reports === undefined ? [] : [new ReportWriter(join(reports, `${basename(process.cwd())}.json`))]),
    ],
  },
});
