/**
 * `npm run chaos [-- --seed N] [--megabytes N] [--faults N] [--only <fault>] [--minutes N]`: long runs that break things.
 * First the kills of the end-to-end tests on transfers of 2 GB, each way, of each relay; then a storm of 20 faults over ordinary
 * work; then ten minutes of work at 3 s each way. What comes when is decided by a seed, a new one unless told, so that a run that
 * failed can be run again. A size, count or time of 0 leaves that part out.
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(randomInt(1_000_000)) },
    megabytes: { type: "string", default: "2000" },
    faults: { type: "string", default: "20" },
    only: { type: "string", default: "" },
    minutes: { type: "string", default: "10" },
  },
});
const { seed, megabytes, faults, only, minutes } = values;
if (![seed, megabytes, faults, minutes].every((number) => /^\d+$/.test(number))) {
  process.stderr.write(
    "usage: npm run chaos -- [--seed N] [--megabytes N] [--faults N] [--only <fault>] [--minutes N]\n",
  );
  process.exit(1);
}

const parts = [
  { size: megabytes, file: "test/ha.test.ts", env: { BERTH_TRANSFER_MB: megabytes } },
  {
    size: faults,
    file: "chaos/storm.test.ts",
    env: { BERTH_CHAOS: "1", BERTH_CHAOS_FAULTS: faults, BERTH_CHAOS_ONLY: only },
  },
  {
    size: minutes,
    file: "test/slow-network.test.ts",
    env: { BERTH_LATENCY_MS: "3000", BERTH_LATENCY_MINUTES: minutes },
  },
];
process.stdout.write(
  `this run again: npm run chaos -- ${Object.entries(values)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `--${name} ${value}`)
    .join(" ")}\n`,
);
const passed = parts
  .filter(({ size }) => Number(size) > 0)
  .map(
    ({ file, env }) =>
      spawnSync("vitest", ["run", "--config", "../../vitest.config.ts", file, "--reporter", "verbose"], {
        cwd: "apps/e2e",
        stdio: "inherit",
        env: { ...process.env, ...env, BERTH_CHAOS_SEED: seed },
      }).status === 0,
  );
process.exitCode = passed.every(Boolean) ? 0 : 1;
