import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addressesInState } from "@berth/terraform";
import { eventually, temporaryFolder } from "@berth/testing";
import { expect } from "vitest";
import { isGone, markProcess } from "../src/cache/running-process.ts";
import {
  buildJob,
  heldTerraform,
  readRecord,
  spawnDaemon,
  waitingTemplate,
  withTerraform,
} from "./daemon-at-work.ts";
import { ScriptedPlane } from "./scripted-plane.ts";

// kill -9 at every step of a build, and the next start at once, while what was left may still run.

interface Step {
  readonly at: string;
  /** A command of Terraform that is held before it begins. */
  readonly command?: string;
  /** A message that is not committed. */
  readonly message?: "beginApply" | "complete";
  readonly guardToo?: boolean;
  readonly applyBegun: boolean;
}

const STEPS: readonly Step[] = [
  { at: "while the template is prepared", command: "init", applyBegun: false },
  { at: "while it is planned", command: "plan", applyBegun: false },
  { at: "before the apply is allowed", message: "beginApply", applyBegun: false },
  { at: "before Terraform applies anything", command: "apply", applyBegun: true },
  { at: "in the middle of the apply", applyBegun: true },
  { at: "in the middle of the apply, its guard with it", guardToo: true, applyBegun: true },
  { at: "before the result is stored", message: "complete", applyBegun: true },
];

async function alivePids(folder: string): Promise<number[]> {
  const pids = (await readFile(join(folder, "pids"), "utf8")).trim().split("\n").map(Number);
  const gone = await Promise.all(pids.map(async (pid) => isGone(await markProcess(pid))));
  return pids.filter((_, at) => !gone[at]);
}

for (const { at, command, message, guardToo = false, applyBegun } of STEPS)
  withTerraform.concurrent(`killed ${at}: ended first, handed in, and only then the next build`, async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    const terraform = await heldTerraform(folder.path, command);
    const { PATH } = terraform;
    const [cache, gate] = [join(folder.path, "cache"), join(folder.path, "gate")];
    if (message !== undefined) {
      plane.withheld.push(message);
      await writeFile(gate, "");
    }
    await using program = spawnDaemon(plane.url, cache, { PATH });
    const job = await buildJob(plane, waitingTemplate(gate));
    plane.offer(job);
    await eventually(
      () => {
        if (message !== undefined) expect(plane.heard, program.tail()).toContain(message);
        else if (command !== undefined) expect(existsSync(join(folder.path, "held"))).toBe(true);
        else expect(plane.logText).toMatch(/: waiting$/m);
      },
      { withinMs: 30_000 },
    );
    if (guardToo) process.kill((await readRecord(cache)).terraform.guard.pid, "SIGKILL");
    program.kill("SIGKILL");
    await program.exit;
    plane.withheld.length = 0;
    await terraform.holdNoMore();
    const next = await buildJob(plane, waitingTemplate(gate));
    plane.offer(next);
    await using _next = spawnDaemon(plane.url, cache, { PATH });
    await eventually(() => expect(plane.handedIn).toHaveLength(1), { withinMs: 30_000 });
    expect(await alivePids(folder.path)).toEqual([]);
    const [handed] = plane.handedIn;
    expect(handed).toMatchObject({ jobId: job.jobId, terraformEnded: true, applyBegun });
    const made = applyBegun && command !== "apply";
    expect(addressesInState(handed?.state?.state ?? Buffer.from("{}")).has("coder_agent.main")).toBe(made);
    await writeFile(gate, "");
    await eventually(() => expect(plane.heard).toContain(`attach ${next.jobId}`), { withinMs: 30_000 });
    expect(plane.heard.indexOf(`handIn ${job.jobId}`)).toBeLessThan(
      plane.heard.indexOf(`attach ${next.jobId}`),
    );
  });

withTerraform.concurrent("a build that is canceled while it is planned applies nothing", async () => {
  await using folder = await temporaryFolder();
  await using plane = await ScriptedPlane.open();
  const { PATH } = await heldTerraform(folder.path, "plan");
  await using _program = spawnDaemon(plane.url, join(folder.path, "cache"), { PATH });
  plane.offer(await buildJob(plane, waitingTemplate(join(folder.path, "gate"))));
  await eventually(() => expect(existsSync(join(folder.path, "held"))).toBe(true), { withinMs: 30_000 });
  plane.cancel();
  await eventually(() => expect(plane.of("fail")).toHaveLength(1), { withinMs: 20_000 });
  expect(plane.of("fail")[0]).toMatchObject({ canceled: true, error: "the build was canceled" });
  expect(plane.heard).not.toContain("beginApply");
  expect(await alivePids(folder.path)).toEqual([]);
});
