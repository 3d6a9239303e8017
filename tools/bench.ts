/**
 * `npm run bench [-- <name> …]`: the benchmarks of what README and architecture promise, each against a baseline of the same
 * run, as one table. Ratios are what counts: machines are shared, and a busy one only ever takes away.
 */
import { fork } from "node:child_process";

/** What a benchmark tells, by IPC: one row of the table. */
interface Row {
  readonly what: string;
  readonly ours: string;
  readonly baseline: string;
  readonly value: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const BENCHES: Readonly<Record<string, string>> = {
  relay: "apps/relay-mesh/bench/relay.mjs",
  stalls: "apps/relay-mesh/bench/stalls.mjs",
  stream: "libs/tunnel/bench/throughput.ts",
  pickup: "apps/api/bench/pick-up.ts",
  ssh: "apps/e2e/bench/ssh.ts",
};

function show(columns: readonly string[]): void {
  const widths = [36, 18, 14, 9, 9];
  process.stdout.write(`${columns.map((text, at) => text.padEnd(widths[at] ?? 0)).join(" ")}\n`);
}

function boundOf({ atLeast, atMost }: Row): string {
  if (atLeast !== undefined) return `≥ ${atLeast}`;
  return atMost === undefined ? "–" : `≤ ${atMost}`;
}

const isKept = ({ value, atLeast = -Infinity, atMost = Infinity }: Row): boolean =>
  value >= atLeast && value <= atMost;

/** Runs a benchmark and shows its rows as they come; answers how many bounds it missed. */
function run(file: string): Promise<number> {
  let missed = 0;
  const child = fork(file, [], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  child.on("message", (row: Row) => {
    if (!isKept(row)) missed += 1;
    const value = row.atMost === undefined ? row.value.toFixed(2) : row.value.toFixed(0);
    const verdict = boundOf(row) === "–" ? "" : isKept(row) ? "kept" : "MISSED";
    show([row.what, row.ours, row.baseline, value, boundOf(row), verdict]);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0) resolve(missed);
      else reject(new Error(`${file} has ended with code ${code}`));
    });
  });
}

const asked = process.argv.slice(2);
const unknown = asked.find((name) => BENCHES[name] === undefined);
if (unknown === undefined) {
  show(["", "ours", "baseline", "value", "bound", ""]);
  for (const [name, file] of Object.entries(BENCHES))
    if (asked.length === 0 || asked.includes(name))
      process.exitCode = (await run(file)) > 0 ? 1 : process.exitCode;
} else {
  process.stderr.write(`error: no benchmark is called ${unknown}: ${Object.keys(BENCHES).join(", ")}\n`);
  process.exitCode = 78;
}
