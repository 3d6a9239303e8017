/**
 * `npm run check`: what must hold beside the tests. Every check runs, two at a time, and all that fail are shown.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly cwd?: string;
}

const checks: readonly Check[] = [
  { name: "lint", command: ["eslint", "."] },
  { name: "types", command: ["tsc", "-p", "."] },
  {
    name: "boundaries",
    command: ["depcruise", "--config", ".dependency-cruiser.cjs", "libs", "apps", "tools"],
  },
  { name: "protos lint", command: ["buf", "lint"], cwd: "proto" },
  { name: "protos format", command: ["buf", "format", "--diff", "--exit-code"], cwd: "proto" },
  { name: "protos break nobody", command: ["node", "tools/check/breaking.ts"] },
  { name: "docs", command: ["node", "tools/check/docs.ts"] },
  { name: "schemas", command: ["node", "tools/check/schemas.ts"] },
  { name: "format", command: ["prettier", "--check", "--log-level", "warn", "."] },
];

/** Runs one check and answers whether it held; its output is shown only when it did not. */
async function run(check: Check): Promise<boolean> {
  const startedAt = performance.now();
  const [program, ...args] = check.command;
  const child = spawn(program, args, { cwd: check.cwd, stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const code = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      output.push(Buffer.from(`${program}: ${error.message}\n`));
      resolve(1);
    });
    child.on("close", (exit) => resolve(exit ?? 1));
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? "ok  " : "FAIL"} ${check.name} (${seconds} s)\n`);
  if (code !== 0) process.stdout.write(Buffer.concat(output));
  return code === 0;
}

const waiting = [...checks];
const failed: string[] = [];
const workers = Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift())
    if (!(await run(check))) failed.push(check.name);
});
await Promise.all(workers);
if (failed.length > 0) {
  process.stdout.write(`\n${failed.length} of ${checks.length} checks failed: ${failed.join(", ")}\n`);
  process.exitCode = 1;
}
