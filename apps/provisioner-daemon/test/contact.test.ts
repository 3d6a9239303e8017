import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "@berth/std";
import { addressesInState } from "@berth/terraform";
import { FaultyProxy, eventually, temporaryFolder } from "@berth/testing";
import { expect } from "vitest";
import {
  type DaemonAtWork,
  QUICK,
  buildJob,
  startDaemon,
  waitingTemplate,
  withTerraform,
} from "./daemon-at-work.ts";
import { ScriptedPlane } from "./scripted-plane.ts";

interface Scene extends AsyncDisposable {
  readonly plane: ScriptedPlane;
  readonly proxy: FaultyProxy;
  readonly daemon: DaemonAtWork;
  readonly jobId: string;
  readonly openGate: () => Promise<void>;
}

/** A build in the middle of its apply: the agent is made, the next resource waits for the gate. */
async function inTheMiddle(): Promise<Scene> {
  const folder = await temporaryFolder();
  const plane = await ScriptedPlane.open();
  const proxy = await FaultyProxy.start({ host: "127.0.0.1", port: plane.port });
  const daemon = await startDaemon(proxy.through(plane.url), {
    cacheFolder: join(folder.path, "cache"),
    periods: QUICK,
  });
  const gate = join(folder.path, "gate");
  const job = await buildJob(plane, waitingTemplate(gate));
  plane.offer(job);
  await eventually(() => expect(plane.logText).toMatch(/: waiting$/m), { withinMs: 20_000 });
  return {
    ...{ plane, proxy, daemon, jobId: job.jobId },
    openGate: () => writeFile(gate, ""),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await plane[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const completes = (plane: ScriptedPlane) =>
  eventually(() => expect(plane.of("complete")).toHaveLength(1), { withinMs: 20_000 });

const fails = (plane: ScriptedPlane) =>
  eventually(() => expect(plane.of("fail")).toHaveLength(1), { withinMs: 20_000 });

function expectWholeLog(plane: ScriptedPlane): void {
  const sequences = plane.logLines.map(({ sequence }) => Number(sequence));
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
}

withTerraform(
  "a build goes on over cut streams, moves and lost answers; no line is lost or repeated",
  async () => {
    await using scene = await inTheMiddle();
    const { plane, proxy, openGate } = scene;
    plane.cut();
    await eventually(() => expect(plane.attaches.length).toBeGreaterThan(1));
    plane.move();
    await eventually(() => expect(plane.attaches.length).toBeGreaterThan(2));
    plane.fenceStreams();
    await eventually(() => expect(plane.attaches.length).toBeGreaterThan(3));
    proxy.cut();
    plane.cutBeforeAnswering.push("logs", "state", "complete");
    await openGate();
    await completes(plane);
    expect(plane.attaches.length).toBeGreaterThan(5);
    expect(plane.cutBeforeAnswering).toEqual([]);
    expect(plane.logText).toContain("going on");
    expectWholeLog(plane);
  },
);

withTerraform("a replica that drains, when there is no other, still takes a build to its end", async () => {
  await using folder = await temporaryFolder();
  await using plane = await ScriptedPlane.open();
  plane.draining = true;
  await using _daemon = await startDaemon(plane.url, {
    cacheFolder: join(folder.path, "cache"),
    periods: QUICK,
  });
  const gate = join(folder.path, "gate");
  await writeFile(gate, "");
  plane.offer(await buildJob(plane, waitingTemplate(gate)));
  await completes(plane);
  expectWholeLog(plane);
});

withTerraform("the answers that a build waits for come again when they were lost", async () => {
  await using folder = await temporaryFolder();
  await using plane = await ScriptedPlane.open();
  plane.cutBeforeAnswering.push("commitQuota", "beginApply");
  // the first target is its own node, which is gone
  const targets = `http://127.0.0.1:1,${plane.url}`;
  await using _daemon = await startDaemon(targets, {
    cacheFolder: join(folder.path, "cache"),
    periods: QUICK,
  });
  const gate = join(folder.path, "gate");
  await writeFile(gate, "");
  plane.offer(await buildJob(plane, waitingTemplate(gate)));
  await completes(plane);
  expect(plane.of("beginApply")).toHaveLength(1);
});

withTerraform("a frozen replica is left for another within seconds, and the build goes on", async () => {
  await using scene = await inTheMiddle();
  const { plane, proxy, openGate } = scene;
  const attached = plane.attaches.length;
  proxy.silence();
  // what is frozen stays so: new connections lead past it, as a balancer's do
  await eventually(() =>
    expect(scene.daemon.log.lines.map(({ message }) => message)).toContain(
      "replica fell silent, dialing another",
    ),
  );
  proxy.cut();
  proxy.heal();
  await eventually(() => expect(plane.attaches.length).toBeGreaterThan(attached));
  await openGate();
  await completes(plane);
  expectWholeLog(plane);
});

withTerraform(
  "silence from every replica interrupts Terraform; state and reason are delivered when it ends",
  async () => {
    await using scene = await inTheMiddle();
    const { plane } = scene;
    plane.silent = true;
    await eventually(() =>
      expect(scene.daemon.log.lines.map(({ message }) => message)).toContain("build is ended early"),
    );
    plane.silent = false;
    await fails(plane);
    const [fail] = plane.of("fail");
    expect(fail?.error).toContain("lost contact with the control plane");
    expect(fail).toMatchObject({ canceled: false, inFlight: [] });
    expect(addressesInState(fail?.state?.state ?? Buffer.alloc(0))).toContain("coder_agent.main");
    expectWholeLog(plane);
  },
);

withTerraform("a database that stays away interrupts Terraform, too", async () => {
  await using scene = await inTheMiddle();
  const { plane } = scene;
  plane.databaseAway = true;
  await eventually(() =>
    expect(scene.daemon.log.lines.map(({ message }) => message)).toContain("build is ended early"),
  );
  plane.databaseAway = false;
  plane.cut();
  await fails(plane);
  expect(plane.of("fail")[0]?.error).toContain("could not store anything");
});

withTerraform(
  "a job that became another's ends its Terraform, is handed in, and the daemon asks for the next",
  async () => {
    await using scene = await inTheMiddle();
    const { plane, jobId, daemon, openGate } = scene;
    plane.fence(jobId);
    await eventually(() => expect(plane.handedIn).toHaveLength(1), { withinMs: 20_000 });
    const [handed] = plane.handedIn;
    expect(handed).toMatchObject({ jobId, epoch: 7n, terraformEnded: true, applyBegun: true });
    expect(addressesInState(handed?.state?.state ?? Buffer.alloc(0))).toContain("coder_agent.main");
    await openGate();
    plane.offer(await buildJob(plane, waitingTemplate(join(daemon.cacheFolder, "..", "gate"))));
    await completes(plane);
  },
);

withTerraform("a daemon that is refused ends, and says why", async () => {
  await using folder = await temporaryFolder();
  await using plane = await ScriptedPlane.open();
  plane.refusal = new CodedError("permission_denied", "the key was deleted");
  await using daemon = await startDaemon(plane.url, {
    cacheFolder: join(folder.path, "cache"),
    periods: QUICK,
  });
  await expect(daemon.running).rejects.toThrow("the key was deleted");
});
