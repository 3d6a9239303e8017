/**
 * Work goes on while nodes of three are killed, frozen and restarted and their database stands still, in an order that the seed
 * decides. What must hold is what a person would see: the shell is the same process and answers everything in order, files
 * arrive whole, builds end well and their logs have no gap. How long the shell stood still is printed, never judged.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as lasting } from "node:timers/promises";
import { Scope } from "@berth/std";
import { afterAll, beforeAll, expect, test } from "vitest";
import { outcomeOf, type Person, PROGRAM } from "../src/berth.ts";
import { chance, oneOf } from "../src/chance.ts";
import { bareEnvironment, type ClusterNode, TestCluster } from "../src/cluster.ts";
import { Pod } from "../src/pod.ts";
import { endWorkspaces, makeFolder, personAt } from "../src/scene.ts";
import { talkingTemplate } from "../src/talking-template.ts";
import { TextStream } from "../src/text-stream.ts";
import { sha256, writeRandom } from "../src/transfer.ts";

const FAULTS = Number(process.env["BERTH_CHAOS_FAULTS"] ?? 12);
const ONLY = process.env["BERTH_CHAOS_ONLY"] ?? "";
const FILE_BYTES = 30_000_000;
const LINES = 40;
/** How a program says that a request could not be made, or lost its replica on the way. */
const AWAY = /cannot reach its database|ECONNRESET|ECONNREFUSED|other side closed/;

const TALK = talkingTemplate(`i=1; while [ $i -le ${LINES} ]; do echo line-$i; i=$((i+1)); sleep 0.05; done`);

const scope = new Scope();
const startedAt = performance.now();
const storm = new AbortController();
let folder: string;
let cluster: TestCluster;
let owner: Person;
const daemons = new Map<string, Pod>();
let startDaemon: (name: string) => Pod;
let killedDaemons = 0;

beforeAll(async () => {
  folder = await makeFolder();
  scope.add("folder", () => rm(folder, { recursive: true, force: true }));
  cluster = await TestCluster.start(folder, {
    CODER_PROVISIONER_DAEMONS: "0",
    CODER_API_RATE_LIMIT: "1000000",
  });
  scope.use("cluster", cluster);
  scope.add("workspaces", () => endWorkspaces(folder));
  owner = await personAt(folder, "owner", cluster.url);
  const key = (await owner.must("provisioner", "keys", "create", "storm")).trim();
  startDaemon = (name) =>
    new Pod(name, [PROGRAM, "provisioner", "start"], {
      ...bareEnvironment(folder),
      CODER_URL: cluster.url,
      CODER_PROVISIONER_DAEMON_KEY: key,
      CODER_CACHE_DIRECTORY: join(folder, name),
    });
  for (const name of ["daemon-1", "daemon-2"]) daemons.set(name, startDaemon(name));
  scope.add("daemons", () => Promise.all([...daemons.values()].map((pod) => pod[Symbol.asyncDispose]())));
  await owner.must("templates", "init", "--id", "local", "local");
  await owner.must("templates", "push", "local", "--directory", "local", "--yes");
  await owner.must("create", "dev", "--template", "local", "--yes");
  await owner.must("config-ssh", "--ssh-config-file", owner.sshConfig, "--yes");
  await mkdir(join(owner.folder, "talk"));
  await writeFile(join(owner.folder, "talk", "main.tf"), TALK);
  await owner.must("templates", "push", "talk", "--directory", "talk", "--yes");
}, 180_000);
afterAll(() => scope.close(), 120_000);

test(
  "work goes on through a storm of faults",
  async () => {
    const answered = Promise.withResolvers<unknown>();
    const work = Promise.all([echo(() => answered.resolve(true)), copy(), build()]);
    await Promise.race([work, answered.promise.then(blow)]);
    storm.abort();
    await work;
  },
  180_000 + FAULTS * 60_000,
);

/** What a fault does, to a node in most cases, and how long it lasts where that can be chosen. */
const FAULT: Record<string, (node: ClusterNode, ms: number, i: number) => Promise<void>> = {
  "killed with -9": async (node, ms) => {
    await cluster.kill(node);
    await lasting(ms / 8);
    await cluster.startAgain(node);
  },
  "restarted by SIGTERM": async (node) => {
    await cluster.end(node);
    await cluster.startAgain(node);
  },
  "frozen and woken": (node, ms) => freeze([cluster.pidOf(node)], ms),
  "without its database": async (_, ms) => freeze(await familyOf(cluster.postgres.pid), ms),
  "a daemon is killed with -9": async (_, ms, i) => {
    const [name, daemon] = oneOf(`daemon of fault ${i}`, [...daemons]);
    killedDaemons++;
    await daemon.end("SIGKILL");
    await lasting(ms / 8);
    daemons.set(name, startDaemon(name));
  },
};

async function freeze(pids: readonly number[], ms: number): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  await lasting(ms);
  for (const pid of pids) process.kill(pid, "SIGCONT");
}

/** The faults, one after the other: a node that was killed is up again before the next. */
async function blow(): Promise<void> {
  const faults = Object.entries(FAULT).filter(([name]) => name.includes(ONLY));
  for (let i = 1; i <= FAULTS; i++) {
    const [name, strike] = oneOf(`kind of fault ${i}`, faults);
    const node = oneOf(`node of fault ${i}`, cluster.nodes);
    const ms = chance(`time of fault ${i}`, 1_000, 15_000);
    say(`${i}/${FAULTS} ${node.name}: ${name} (${(ms / 1_000).toFixed(1)} s)`);
    await strike(node, ms, i);
    await lasting(chance(`pause after fault ${i}`, 500, 4_000));
  }
}

/** A shell that answers everything that is said to it, in order. */
async function echo(began: () => void): Promise<void> {
  const shell = owner.openSsh("ssh", "-tt", "coder.dev");
  const screen = new TextStream(shell.stdout);
  let pid: string | undefined;
  let longest = 0;
  for (let i = 0; !storm.signal.aborted; i++) {
    if (i === 1) began();
    const asked = performance.now();
    shell.stdin.write(`echo ${i}-$$-${i}\n`);
    const [, answered] = await screen.until(new RegExp(`\\b${i}-(\\d+)-${i}\\b`));
    expect(answered, "the process of the shell").toBe((pid ??= answered));
    const took = performance.now() - asked;
    if (i > 0 && took > 500) say(`  the shell stood still for ${(took / 1_000).toFixed(2)} s`);
    if (i > 0) longest = Math.max(longest, took);
    await lasting(50);
  }
  shell.stdin.write("exit\n");
  expect(await outcomeOf(shell)).toMatchObject({ code: 0 });
  say(`the shell's longest stall: ${(longest / 1_000).toFixed(2)} s`);
}

/** Files go up and come down, whole. */
async function copy(): Promise<void> {
  const [id] = await readdir(join(folder, "data", "berth", "local"));
  const remote = join(folder, "data", "berth", "local", id ?? "", "home", "copied");
  const [up, down] = [join(owner.folder, "up"), join(owner.folder, "down")];
  const expected = await writeRandom(up, FILE_BYTES).then(() => sha256(up));
  const scp = async (from: string, to: string, arrived: string) => {
    await insist(`scp ${from} ${to}`, () => owner.openSsh("scp", "-l", "80000", from, to));
    expect(await sha256(arrived)).toBe(expected);
    await rm(arrived);
  };
  let copies = 0;
  for (; !storm.signal.aborted; copies++) {
    await scp(up, "coder.dev:copied", remote);
    await writeFile(remote, await readFile(up));
    await scp("dev.coder:copied", down, down);
  }
  say(`${copies} files went up and came down whole`);
}

/** Workspaces are made, their logs followed without a gap, and deleted. A build fails only when its daemon was killed. */
async function build(): Promise<void> {
  const count = { made: 0, failed: 0 };
  for (; !storm.signal.aborted; count.made++) {
    const name = `talk-${count.made}`;
    const berth = (...args: string[]) => insist(`berth ${args.join(" ")}`, () => owner.start(...args));
    await berth("create", name, "--template", "talk", "--yes", "--no-wait");
    const log = await berth("logs", "-f", name);
    const numbers = [...log.matchAll(/\(local-exec\): line-(\d+)\b/g)].map(([, number]) => Number(number));
    const { latest_build } = JSON.parse(await berth("show", name, "--output", "json")) as {
      latest_build: { status: string; job: { error?: string } };
    };
    if (latest_build.status === "failed") {
      count.failed++;
      say(`  ${name} failed after ${numbers.length} lines: ${latest_build.job.error ?? ""}`);
      expect(latest_build.job.error).toMatch(/daemon/);
    } else expect(numbers, log).toHaveLength(LINES);
    expect(numbers, log).toEqual(Array.from(numbers, (_, i) => i + 1));
    await berth("delete", name, "--yes");
  }
  expect(count.failed, "builds that failed").toBeLessThanOrEqual(killedDaemons);
  say(`${count.made} workspaces were made and deleted, ${count.failed} builds failed with their daemon`);
}

/** What a person does who could not reach the plane: tries again. A change that was made all the same refuses the second try. */
async function insist(what: string, start: () => ChildProcessWithoutNullStreams): Promise<string> {
  for (;;) {
    const { code, stdout, stderr } = await outcomeOf(start());
    if (code === 0) return stdout;
    say(`  ${what}: ${stderr.trim().replaceAll("\n", " ")}`);
    if (/is taken|there is no workspace/.test(stderr)) return stdout;
    if (!AWAY.test(stderr)) throw new Error(`${what}: exit ${code}\n${stdout}${stderr}`);
    await lasting(500);
  }
}

/** A process and its children. */
async function familyOf(root: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const children = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""); // it has ended
      return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === root ? [pid] : [];
    }),
  );
  return [root, ...children.flat()];
}

function say(line: string): void {
  process.stdout.write(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`);
}
