import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const testing = (path: string) => fileURLToPath(new URL(`libs/testing/src/${path}`, import.meta.url));

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: [testing("vitest/global-setup.ts")],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    passWithNoTests: false,
  },
});
