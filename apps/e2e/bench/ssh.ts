// Bytes through `berth ssh`, each way, against the same bytes through three Node processes that only pass them on, as the
// agent, the relay and the client do. Everything is on this machine; the best of the rounds counts.
//   node bench/ssh.ts [MB [rounds]]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { PROGRAM } from "../src/berth.ts";
import { bareEnvironment } from "../src/cluster.ts";
import { startSingleNode } from "../src/single-node.ts";
import { writeRandom } from "../src/transfer.ts";

const [megabytes = 256, rounds = 3] = process.argv.slice(2).map(Number);
const PASS_ON = `${process.execPath} -e 'process.stdin.pipe(process.stdout)'`;

/** Seconds that a command takes, from its start, with a file as its input and nobody reading what it writes. */
async function time(command: readonly string[], env: NodeJS.ProcessEnv, input: string): Promise<number> {
  const [file = "", ...args] = command;
  await using from = await open(input);
  const startedAt = performance.now();
  const child = spawn(file, args, { env, stdio: [from.fd, "ignore", "inherit"] });
  const [code] = (await once(child, "exit")) as [number];
  if (code !== 0) throw new Error(`${command.join(" ")}: exit ${code}`);
  return (performance.now() - startedAt) / 1000;
}

async function main(): Promise<void> {
  await using node = await startSingleNode();
  const { owner, folder } = node;
  await owner.must("templates", "init", "--id", "local", "local");
  await owner.must("templates", "push", "local", "--directory", "local", "--yes");
  await owner.must("create", "dev", "--template", "local", "--yes");
  const file = join(folder, "big");
  await writeRandom(file, megabytes * 1e6);
  const { size } = await stat(file);
  const env = { ...bareEnvironment(folder), CODER_CONFIG_DIR: join(owner.folder, "config") };
  const ssh = (command: string) => [PROGRAM, "ssh", "dev", "--", command];
  const chain = (count: number) => ["sh", "-c", Array.from({ length: count }, () => PASS_ON).join(" | ")];
  const ways = {
    down: () => time(ssh(`cat ${file}`), env, "/dev/null"),
    up: () => time(ssh("cat > /dev/null"), env, file),
    nothing: () => time(ssh("true"), env, "/dev/null"),
    chain: () => time(chain(3), env, file),
  };
  const best = { down: Infinity, up: Infinity, nothing: Infinity, chain: Infinity };
  for (let round = 0; round < rounds; round++)
    for (const way of ["down", "up", "nothing", "chain"] as const)
      best[way] = Math.min(best[way], await ways[way]());
  for (const way of ["down", "up"] as const) {
    const rate = size / 1e6 / (best[way] - best.nothing);
    const baseline = size / 1e6 / best.chain;
    say({
      what: `berth ssh, ${way}`,
      ours: `${rate.toFixed(0)} MB/s`,
      baseline: `${baseline.toFixed(0)} MB/s passed on`,
      value: rate / baseline,
    });
  }
}

function say(row: Readonly<Record<string, string | number>>): void {
  if (process.send === undefined) process.stdout.write(`${JSON.stringify(row)}\n`);
  else process.send(row);
}

await main();
