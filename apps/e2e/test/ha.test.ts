import { randomBytes } from "node:crypto";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "@berth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outcomeOf, type Person } from "../src/berth.ts";
import { chance } from "../src/chance.ts";
import type { ClusterNode } from "../src/cluster.ts";
import { readMetric } from "../src/metrics.ts";
import { type Scene, startScene } from "../src/scene.ts";
import { talkingTemplate } from "../src/talking-template.ts";
import { TextStream } from "../src/text-stream.ts";
import { sha256, writeRandom } from "../src/transfer.ts";

const TRANSFER_BYTES = Number(process.env["BERTH_TRANSFER_MB"] ?? 256) * 1_000_000;
const SCP_KBITS_PER_SECOND = 160_000;
const FORWARDED = "coder_derp_server_packets_forwarded_out_total";

/** Prints numbered lines for some seconds, so that its log can be followed through a kill. */
const CHATTY = talkingTemplate("i=1; while [ $i -le 200 ]; do echo line-$i; i=$((i+1)); sleep 0.03; done");

describe("three nodes on one Postgres", () => {
  let scene: Scene;
  let home: string;

  beforeAll(async () => {
    scene = await startScene();
  }, 180_000);
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  }, 60_000);

  const node = (number: 1 | 2 | 3): ClusterNode => scene.cluster.node(number);
  const forwarded = (of: ClusterNode) => readMetric(of.metricsUrl, FORWARDED);
  /** Where the next connections go: the first that takes them. */
  const steer = (...numbers: (1 | 2 | 3)[]) =>
    scene.balancer.steer(...numbers.map((number) => node(number).address));

  /** The agent's connections begin anew, so that they go where new connections are steered to. */
  async function moveAgentTo(owner: Person, number: 1 | 2 | 3): Promise<void> {
    steer(number);
    await owner.must("stop", "dev", "--yes");
    await owner.must("start", "dev", "--yes");
    const hello = await outcomeOf(owner.openSsh("ssh", "coder.dev", "true"));
    expect(hello.code, hello.stderr).toBe(0);
  }

  test("P2: HA turned itself on: every node lists three ready replicas", async () => {
    for (const number of [1, 2, 3] as const) {
      const person = await scene.through(number);
      await expect
        .poll(
          async () => {
            const replicas = JSON.parse(await person.must("replicas", "--output", "json")) as {
              state: string;
            }[];
            return replicas.filter(({ state }) => state === "ready").length;
          },
          { timeout: 30_000 },
        )
        .toBe(3);
    }
  }, 60_000);

  test("a template pushed through one node, a workspace created through a second, its log followed through a third", async () => {
    const [first, second, third] = await Promise.all([scene.through(1), scene.through(2), scene.through(3)]);
    await first.must("templates", "init", "--id", "local", "local");
    await first.must("templates", "push", "local", "--directory", "local", "--yes");
    await second.must("create", "dev", "--template", "local", "--yes", "--no-wait");
    const follower = third.start("logs", "-f", "dev");
    const log = new TextStream(follower.stdout);
    await log.until(/terraform_data\.process.*Creation complete[\s\S]*Apply complete/);
    follower.kill();
    await expect
      .poll(async () => (await third.must("list", "--output", "json")).includes('"status": "running"'), {
        timeout: 20_000,
      })
      .toBe(true);
    const shown = JSON.parse(await third.must("show", "dev", "--output", "json")) as {
      id: string;
      latest_build: { status: string };
    };
    expect(shown.latest_build.status).toBe("running");
    home = join(scene.folder, "data", "berth", "local", shown.id, "home");
    expect(await readdir(join(scene.folder, "data", "berth", "local"))).toContain(shown.id);
  }, 120_000);

  test("ssh and scp with client and agent on different relays: packets are forwarded by both", async () => {
    const { owner } = scene;
    await owner.must("config-ssh", "--ssh-config-file", owner.sshConfig, "--yes");
    await moveAgentTo(owner, 3);
    steer(2);
    const before = await Promise.all([forwarded(node(2)), forwarded(node(3))]);
    const echoed = await outcomeOf(owner.openSsh("ssh", "coder.dev", "echo from the workspace; exit 7"));
    expect(echoed).toMatchObject({ code: 7, stdout: "from the workspace\n" });
    const file = join(owner.folder, "small");
    await writeFile(file, randomBytes(1_000_000));
    expect(await outcomeOf(owner.openSsh("scp", file, "dev.coder:copied"))).toMatchObject({ code: 0 });
    expect(await sha256(join(home, "copied"))).toBe(await sha256(file));
    const after = await Promise.all([forwarded(node(2)), forwarded(node(3))]);
    expect(after[0]).toBeGreaterThan(before[0]);
    expect(after[1]).toBeGreaterThan(before[1]);
  }, 120_000);

  /** Copies a file and kills a node while between 20 % and 80 % of it has passed. */
  async function transferThroughKill(
    direction: "up" | "down",
    victim: 1 | 2 | 3,
    name: string,
  ): Promise<void> {
    const { owner } = scene;
    const [local, remote] = [join(owner.folder, name), join(home, name)];
    const [source, target] = direction === "up" ? [local, remote] : [remote, local];
    await writeRandom(source, TRANSFER_BYTES);
    const [from, to] = direction === "up" ? [local, `coder.dev:${name}`] : [`coder.dev:${name}`, local];
    const copy = owner.openSsh("scp", "-l", String(SCP_KBITS_PER_SECOND), from, to);
    const done = outcomeOf(copy);
    const passed = async () => (await stat(target)).size / TRANSFER_BYTES;
    const killAt = chance(name, 0.22, 0.6);
    await eventually(
      async () => {
        if (copy.exitCode === null) expect(await passed()).toBeGreaterThan(killAt);
      },
      { withinMs: TRANSFER_BYTES / 5_000 },
    );
    await scene.cluster.kill(node(victim));
    expect(await passed(), "the kill came in the middle").toBeLessThan(0.8);
    expect(await done).toMatchObject({ code: 0 });
    expect(await sha256(target)).toBe(await sha256(source));
  }

  /** The client is on node 2, the agent on node 3; whoever is killed, new connections go to node 1. */
  async function separateRelays(): Promise<void> {
    await moveAgentTo(scene.owner, 3);
    steer(2, 1);
  }

  describe.each([
    ["the agent's relay", 3],
    ["the client's relay", 2],
  ] as const)("P3: when the node of %s is killed", (_, victim) => {
    test.each(["up", "down"] as const)(
      "a transfer %s completes, every byte in order",
      async (direction) => {
        await separateRelays();
        await transferThroughKill(direction, victim, `${direction}-${victim}`);
        await scene.cluster.startAgain(node(victim), { CODER_PROVISIONER_DAEMONS: "0" });
      },
      120_000 + TRANSFER_BYTES / 5_000,
    );

    test("an interactive shell is still the same process", async () => {
      await separateRelays();
      const shell = scene.owner.openSsh("ssh", "-tt", "coder.dev");
      const screen = new TextStream(shell.stdout);
      shell.stdin.write("echo first-$$-first\n");
      const [, pid] = await screen.until(/first-(\d+)-first/);
      await scene.cluster.kill(node(victim));
      shell.stdin.write("echo second-$$-second\n");
      const [, still] = await screen.until(/second-(\d+)-second/);
      expect(still).toBe(pid);
      shell.stdin.write("exit\n");
      expect(await outcomeOf(shell)).toMatchObject({ code: 0 });
      await scene.cluster.startAgain(node(victim), { CODER_PROVISIONER_DAEMONS: "0" });
    }, 120_000);
  });

  test("P3: a follower on a killed node resumes elsewhere without a gap or a repeat", async () => {
    const { owner } = scene;
    await mkdir(join(owner.folder, "chatty"));
    await writeFile(join(owner.folder, "chatty", "main.tf"), CHATTY);
    steer(1);
    await owner.must("templates", "push", "chatty", "--directory", "chatty", "--yes");
    await owner.must("create", "talk", "--template", "chatty", "--yes", "--no-wait");
    steer(2, 3);
    const follower = owner.start("logs", "-f", "talk");
    const seen = new TextStream(follower.stdout);
    await seen.until(/line-40\b/);
    await scene.cluster.kill(node(2));
    expect((await outcomeOf(follower)).code).toBe(0);
    const numbers = [...seen.text.matchAll(/line-(\d+)\b/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    await scene.cluster.startAgain(node(2), { CODER_PROVISIONER_DAEMONS: "0" });
    await owner.must("delete", "talk", "--yes");
  }, 120_000);

  test("deleting the workspace ends its process and removes its folder", async () => {
    steer(1, 2, 3);
    await scene.owner.must("delete", "dev", "--yes");
    const refused = await scene.owner.run("ssh", "dev", "--", "true");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/error: there is no workspace "dev"/);
  }, 60_000);
});
