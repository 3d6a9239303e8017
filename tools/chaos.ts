/**
 * `npm run chaos [-- <megabytes>]`: the kills of the end-to-end tests on transfers of 2 GB (unless told), each way, of each relay.
 */
import { spawnSync } from "node:child_process";

const megabytes = process.argv[2] ?? "2000";
const result = spawnSync(
  "vitest",
  ["run", "--config", "../../vitest.config.ts", "test/ha.test.ts", "--reporter", "verbose"],
  { cwd: "apps/e2e", stdio: "inherit", env: { ...process.env, BERTH_TRANSFER_MB: megabytes } },
);
process.exitCode = result.status ?? 1;
