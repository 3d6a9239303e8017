/**
 * `npm run chaos [-- <megabytes>] [--seed <n>]`: the kills of the end-to-end tests on transfers of 2 GB (unless told), each way, of
 * each relay. When each comes is decided by a seed, a new one unless told, so that a run that failed can be run again.
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ options: { seed: { type: "string" } }, allowPositionals: true });
const [megabytes = "2000"] = positionals;
const seed = values.seed ?? String(randomInt(1_000_000));
if (!/^\d+$/.test(megabytes) || !/^\d+$/.test(seed)) {
  process.stderr.write("usage: npm run chaos -- [<megabytes>] [--seed <number>]\n");
  process.exit(1);
}
process.stdout.write(`this run again: npm run chaos -- ${megabytes} --seed ${seed}\n`);
const result = spawnSync(
  "vitest",
  ["run", "--config", "../../vitest.config.ts", "test/ha.test.ts", "--reporter", "verbose"],
  {
    cwd: "apps/e2e",
    stdio: "inherit",
    env: { ...process.env, BERTH_TRANSFER_MB: megabytes, BERTH_CHAOS_SEED: seed },
  },
);
process.exitCode = result.status ?? 1;
