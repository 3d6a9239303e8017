import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "@berth/std";
import { addressesInState } from "@berth/terraform";
import { type Program, eventually, temporaryFolder } from "@berth/testing";
import { expect } from "vitest";
import { isGone, markProcess } from "../src/cache/running-process.ts";
import {
  buildJob,
  heldTerraform,
  readRecord,
  spawnDaemon,
  variables,
  waitingTemplate,
  withTerraform,
} from "./daemon-at-work.ts";
import { ScriptedPlane } from "./scripted-plane.ts";

interface Scene extends AsyncDisposable {
  readonly plane: ScriptedPlane;
  readonly program: Program;
  readonly cacheFolder: string;
  readonly jobId: string;
  readonly openGate: () => Promise<void>;
}

/** The real program in the middle of an apply. */
async function inTheMiddle(): Promise<Scene> {
  const folder = await temporaryFolder();
  const plane = await ScriptedPlane.open();
  const cacheFolder = join(folder.path, "cache");
  const program = spawnDaemon(plane.url, cacheFolder);
  const gate = join(folder.path, "gate");
  const job = await buildJob(plane, waitingTemplate(gate));
  plane.offer(job);
  await eventually(() => expect(plane.logText, program.tail()).toMatch(/: waiting$/m), { withinMs: 25_000 });
  return {
    ...{ plane, program, cacheFolder, jobId: job.jobId },
    openGate: () => writeFile(gate, ""),
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await plane[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // it has ended
  }
}

withTerraform.concurrent("SIGHUP in the middle of an apply finishes the build and exits 0", async () => {
  await using scene = await inTheMiddle();
  scene.program.kill("SIGHUP");
  await scene.program.waitFor("SIGHUP");
  await scene.openGate();
  expect(await scene.program.exit).toEqual({ code: 0, signal: null });
  expect(scene.plane.of("complete")).toHaveLength(1);
});

withTerraform.concurrent(
  "SIGINT in the middle of an apply fails the build, keeps its state and exits 0",
  async () => {
    await using scene = await inTheMiddle();
    scene.program.kill("SIGINT");
    expect(await scene.program.exit).toEqual({ code: 0, signal: null });
    const [fail] = scene.plane.of("fail");
    expect(fail?.error).toContain("its provisioner daemon was interrupted");
    expect(addressesInState(fail?.state?.state ?? Buffer.alloc(0))).toContain("coder_agent.main");
  },
);

for (const signal of ["SIGINT", "SIGQUIT"] as const)
  withTerraform.concurrent(
    `after a SIGINT that Terraform does not heed, ${signal} waits for nothing`,
    async () => {
      await using folder = await temporaryFolder();
      await using plane = await ScriptedPlane.open();
      const held = await heldTerraform(folder.path, "apply", { deaf: true });
      const cacheFolder = join(folder.path, "cache");
      await using program = spawnDaemon(plane.url, cacheFolder, { PATH: held.PATH });
      const job = await buildJob(plane, waitingTemplate(join(folder.path, "gate")));
      plane.offer(job);
      await eventually(() => expect(existsSync(join(folder.path, "held"))).toBe(true), { withinMs: 25_000 });
      const { terraform } = await readRecord(cacheFolder);
      program.kill("SIGINT");
      await program.waitFor("canceling the build");
      program.kill(signal);
      expect(await program.exit).toEqual({ code: 130, signal: null });
      await eventually(async () => expect(await isGone(await markProcess(terraform.mark.pid))).toBe(true));
      await held.holdNoMore();
      await using next = spawnDaemon(plane.url, cacheFolder, { PATH: held.PATH });
      await eventually(() => expect(plane.handedIn, next.tail()).toHaveLength(1), { withinMs: 20_000 });
      expect(plane.handedIn[0]).toMatchObject({ jobId: job.jobId, terraformEnded: true });
    },
  );

withTerraform.concurrent(
  "P6: kill -9: the guard ends Terraform, and the next start hands in before it asks for work",
  async () => {
    await using scene = await inTheMiddle();
    const { plane, program, cacheFolder, jobId } = scene;
    const { terraform } = await readRecord(cacheFolder);
    expect([isAlive(terraform.mark.pid), isAlive(terraform.guard.pid)]).toEqual([true, true]);
    program.kill("SIGKILL");
    await program.exit;
    await eventually(() => expect(isAlive(terraform.mark.pid)).toBe(false));
    await eventually(() => expect(isAlive(terraform.guard.pid)).toBe(false));

    const helloes = plane.hellos.length;
    await using next = spawnDaemon(plane.url, cacheFolder);
    await eventually(() => expect(plane.hellos.length, next.tail()).toBeGreaterThan(helloes), {
      withinMs: 20_000,
    });
    expect(plane.handedIn).toHaveLength(1);
    const [handed] = plane.handedIn;
    expect(handed).toMatchObject({
      jobId,
      terraformEnded: true,
      applyBegun: true,
      inFlight: [],
    });
    expect(handed?.daemonId).toBe(plane.hellos[0]?.daemonId);
    expect(handed?.incarnation).not.toBe(plane.attaches[0]?.incarnation);
    expect(addressesInState(handed?.state?.state ?? Buffer.alloc(0))).toContain("coder_agent.main");
    // what the first incarnation had no time to say comes now; what it had said without hearing so comes again, the same
    const said = new Map<bigint, string>();
    for (const { sequence, output } of [...plane.logLines, ...(handed?.logs ?? [])]) {
      expect(said.get(sequence) ?? output).toBe(output);
      said.set(sequence, output);
    }
    expect([...said.keys()].map(Number)).toEqual([...said.keys()].map((_, index) => index + 1));
  },
);

withTerraform.concurrent(
  "a machine's death: what Terraform was making is named, what it had recorded is kept",
  async () => {
    await using scene = await inTheMiddle();
    const { plane, program, cacheFolder } = scene;
    const { terraform } = await readRecord(cacheFolder);
    for (const pid of [terraform.guard.pid, -terraform.mark.pid]) process.kill(pid, "SIGKILL");
    program.kill("SIGKILL");
    await program.exit;
    await using next = spawnDaemon(plane.url, cacheFolder);
    await eventually(() => expect(plane.handedIn, next.tail()).toHaveLength(1), { withinMs: 20_000 });
    expect(plane.handedIn[0]).toMatchObject({ terraformEnded: true, inFlight: ["terraform_data.waits"] });
    expect(addressesInState(plane.handedIn[0]?.state?.state ?? Buffer.alloc(0))).toContain(
      "coder_agent.main",
    );
  },
);

withTerraform.concurrent(
  "a second daemon on a held cache folder is told the holder's pid and exits 78",
  async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    await using first = spawnDaemon(plane.url, folder.path);
    await eventually(() => expect(plane.hellos, first.tail()).toHaveLength(1), { withinMs: 20_000 });
    await using second = spawnDaemon(plane.url, folder.path);
    expect(await second.exit).toEqual({ code: 78, signal: null });
    expect(second.lines.join("\n")).toMatch(
      new RegExp(`CODER_CACHE_DIRECTORY.*the daemon with pid ${first.pid} holds it`),
    );
    first.kill("SIGKILL");
    await first.exit;
    await using third = spawnDaemon(plane.url, folder.path);
    await eventually(() => expect(plane.hellos, third.tail()).toHaveLength(2), { withinMs: 20_000 });
  },
);

withTerraform.concurrent(
  "without Terraform, without credentials or without a URL it says so and exits 78",
  async () => {
    await using folder = await temporaryFolder();
    await using without = spawnDaemon("http://127.0.0.1:1", folder.path, { PATH: "/nowhere" });
    await using anonymous = spawnDaemon("", folder.path, { CODER_PROVISIONER_DAEMON_PSK: "" });
    expect(await without.exit).toEqual({ code: 78, signal: null });
    expect(without.tail()).toMatch(/PATH.*neither terraform nor tofu is on PATH.*Install Terraform/);
    expect(await anonymous.exit).toEqual({ code: 78, signal: null });
    expect(anonymous.tail()).toContain("CODER_PROVISIONER_DAEMON_KEY");
  },
);

withTerraform.concurrent("a daemon that the control plane refuses exits 1 with its words", async () => {
  await using folder = await temporaryFolder();
  await using plane = await ScriptedPlane.open();
  plane.refusal = new CodedError("unauthenticated", "this pre-shared key is not the deployment's");
  await using program = spawnDaemon(plane.url, folder.path);
  expect(await program.exit).toEqual({ code: 1, signal: null });
  expect(program.tail()).toContain("this pre-shared key is not the deployment's");
});

withTerraform.concurrent("a built-in daemon finishes its build and ends when its node is gone", async () => {
  await using folder = await temporaryFolder();
  await using plane = await ScriptedPlane.open();
  const child = spawn(process.execPath, [join(import.meta.dirname, "../src/main.ts")], {
    stdio: ["pipe", "ignore", "ignore"],
    env: {
      ...process.env,
      ...variables(plane.url, join(folder.path, "cache")),
      CODER_PROVISIONER_DAEMON_PSK: "",
      CODER_PROVISIONER_DAEMON_BUILTIN: "derived",
    },
  });
  const exit = once(child, "exit");
  const gate = join(folder.path, "gate");
  plane.offer(await buildJob(plane, waitingTemplate(gate)));
  await eventually(() => expect(plane.logText).toMatch(/: waiting$/m), { withinMs: 25_000 });
  child.stdin.destroy();
  await writeFile(gate, "");
  expect(await exit).toEqual([0, null]);
  expect(plane.of("complete")).toHaveLength(1);
});
