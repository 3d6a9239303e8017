import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { provisioner } from "@berth/contract";
import { eventually, temporaryFolder } from "@berth/testing";
import { addressesInState } from "@berth/terraform";
import { expect } from "vitest";
import {
  buildJob,
  head,
  importJob,
  pack,
  startDaemon,
  waitingTemplate,
  withTerraform,
} from "./daemon-at-work.ts";
import { ScriptedPlane } from "./scripted-plane.ts";

const agentTemplate = {
  "main.tf": `${head}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "vm" {
  count = data.coder_workspace.me.start_count
  input = { token = coder_agent.main.token, script = coder_agent.main.init_script }
}
`,
};

const resultOf = (plane: ScriptedPlane): provisioner.WorkspaceBuildResult => {
  const [complete] = plane.of("complete");
  if (complete?.result?.$case !== "workspaceBuild") throw new Error(`not complete: ${plane.logText}`);
  return complete.result.value;
};

withTerraform.concurrent(
  "a workspace starts and is deleted, stage by stage, its agent reported before the end",
  async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    await using _daemon = await startDaemon(plane.url, { cacheFolder: folder.path });
    const job = await buildJob(plane, agentTemplate);
    plane.offer(job);
    await eventually(() => expect(plane.of("complete")).toHaveLength(1), { withinMs: 20_000 });
    expect(plane.hellos[0]).toMatchObject({ name: "tested", provisioners: ["terraform"] });
    expect(new Set(plane.headers)).toEqual(new Set(["pre-shared"]));
    expect(plane.of("progress").map(({ stage }) => stage)).toEqual([
      "Setting up",
      "Planning infrastructure",
      "Commit quota",
      "Starting workspace",
    ]);
    const [agent] = resultOf(plane).resources.flatMap(({ agents }) => agents);
    const [token] = plane.of("agentToken");
    expect(token).toMatchObject({
      agentId: agent?.id,
      token: agent?.token,
      name: "main",
      operatingSystem: "linux",
    });
    const order = plane.committed
      .map(({ $case }) => $case)
      .filter((each) => each !== "logs" && each !== "state");
    expect(order.indexOf("beginApply")).toBeLessThan(order.indexOf("agentToken"));
    expect(order.at(-1)).toBe("complete");
    const sequences = plane.logLines.map(({ sequence }) => Number(sequence));
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    const { state } = resultOf(plane);
    expect(addressesInState(state?.state ?? Buffer.alloc(0))).toEqual(
      new Set(["coder_agent.main", "terraform_data.vm[0]"]),
    );
    expect(state?.state.toString()).toContain("exec /opt/berth agent --detach");
    expect(plane.logText).not.toContain(agent?.token);

    const again = await buildJob(plane, agentTemplate, {
      state: plane.store(state?.state ?? Buffer.alloc(0)),
    });
    plane.committed.length = 0;
    plane.offer(again);
    await eventually(() => expect(plane.of("complete")).toHaveLength(1), { withinMs: 20_000 });
    expect(plane.of("agentToken")).toEqual([token]);

    plane.committed.length = 0;
    plane.offer(
      await buildJob(plane, agentTemplate, {
        transition: provisioner.Transition.DELETE,
        state: plane.store(state?.state ?? Buffer.alloc(0)),
      }),
    );
    await eventually(() => expect(plane.of("complete")).toHaveLength(1), { withinMs: 20_000 });
    expect(addressesInState(resultOf(plane).state?.state ?? Buffer.alloc(0))).toEqual(new Set());
    expect(plane.downloads.filter((file) => file === job.archive?.fileId)).toHaveLength(1);
  },
);

withTerraform.concurrent("a delete without a state is a success that touches nothing", async () => {
  await using folder = await temporaryFolder();
  await using plane = await ScriptedPlane.open();
  await using _daemon = await startDaemon(plane.url, { cacheFolder: folder.path });
  plane.offer(await buildJob(plane, agentTemplate, { transition: provisioner.Transition.DELETE }));
  await eventually(() => expect(plane.of("complete")).toHaveLength(1));
  expect(plane.of("beginApply")).toEqual([]);
});

withTerraform.concurrent(
  "an import reports resources, parameters, variables, readme and the machine it needs",
  async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    await using _daemon = await startDaemon(plane.url, { cacheFolder: folder.path });
    const files = {
      "main.tf": `${agentTemplate["main.tf"]}
variable "zone" {
  description = "Where"
}
data "coder_parameter" "cores" {
  name    = "cores"
  type    = "number"
  default = 2
}
resource "terraform_data" "home" {
  input = var.zone
}
`,
      "README.md": "# Template",
      "berth.json": `{"runsOn": "machine"}`,
    };
    plane.offer(await importJob(plane, files));
    await eventually(() => expect(plane.of("fail")).toHaveLength(1));
    expect(plane.of("fail")).toMatchObject([{ errorCode: "REQUIRED_TEMPLATE_VARIABLES" }]);
    plane.committed.length = 0;
    plane.offer(await importJob(plane, files, [{ name: "zone", value: "eu", sensitive: false }]));
    const [complete] = await eventually(() => {
      expect(plane.of("complete")).toHaveLength(1);
      return plane.of("complete");
    });
    if (complete?.result?.$case !== "templateImport") throw new Error("no import");
    const { value } = complete.result;
    expect(value).toMatchObject({ readme: "# Template", runsOnMachine: true });
    expect(value.startResources.map(({ address }) => address)).toEqual([
      "terraform_data.home",
      "terraform_data.vm[0]",
    ]);
    expect(value.stopResources.map(({ address }) => address)).toEqual(["terraform_data.home"]);
    expect(value.parameters).toMatchObject([{ name: "cores", type: "number", defaultValue: "2" }]);
    expect(value.variables).toMatchObject([{ name: "zone", description: "Where", required: true }]);
  },
);

withTerraform.concurrent(
  "a template that does not parse fails with file, line and reason; an archive that escapes is refused",
  async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    await using _daemon = await startDaemon(plane.url, { cacheFolder: folder.path });
    plane.offer(await importJob(plane, { "main.tf": `resource "terraform_data" "x" {\n  input = \n}\n` }));
    await eventually(() => expect(plane.of("fail")).toHaveLength(1));
    expect(plane.of("fail")[0]?.error).toMatch(/main\.tf:2: Invalid expression/);
    const job = await importJob(plane, { "main.tf": "" });
    const escaping = await pack({ "main.tf": "" });
    escaping.write("../evil\0", 0);
    plane.offer({ ...job, archive: plane.store(fixChecksum(escaping)) });
    await eventually(() => expect(plane.of("fail")).toHaveLength(2));
    expect(plane.of("fail")[1]?.error).toContain("outside of its folder");
  },
);

withTerraform.concurrent("a refused quota fails the build before anything is applied", async () => {
  await using folder = await temporaryFolder();
  await using plane = await ScriptedPlane.open();
  plane.quotaOk = false;
  await using _daemon = await startDaemon(plane.url, { cacheFolder: folder.path });
  plane.offer(await buildJob(plane, agentTemplate));
  await eventually(() => expect(plane.of("fail")).toHaveLength(1));
  expect(plane.of("fail")[0]).toMatchObject({ error: "insufficient quota", errorCode: "INSUFFICIENT_QUOTA" });
  expect(plane.of("beginApply")).toEqual([]);
});

withTerraform.concurrent(
  "a user's cancel interrupts Terraform and keeps the state of what was made",
  async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    await using daemon = await startDaemon(plane.url, { cacheFolder: join(folder.path, "cache") });
    plane.offer(await buildJob(plane, waitingTemplate(join(folder.path, "gate"))));
    await eventually(() => expect(plane.logText).toMatch(/: waiting$/m));
    plane.cancel();
    await eventually(() => expect(plane.of("fail")).toHaveLength(1));
    const [fail] = plane.of("fail");
    expect(fail).toMatchObject({ canceled: true, error: "the build was canceled" });
    expect(addressesInState(fail?.state?.state ?? Buffer.alloc(0))).toContain("coder_agent.main");
    daemon.daemon.drain();
    await daemon.running;
  },
);

withTerraform.concurrent(
  "a cache folder that is deleted under an apply costs that build, and says what it had begun",
  async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    const cacheFolder = join(folder.path, "cache");
    await using _daemon = await startDaemon(plane.url, { cacheFolder });
    const gate = join(folder.path, "gate");
    plane.offer(await buildJob(plane, waitingTemplate(gate)));
    await eventually(() => expect(plane.logText).toMatch(/: waiting$/m), { withinMs: 20_000 });
    await rm(cacheFolder, { recursive: true });
    await writeFile(gate, "");
    await eventually(() => expect(plane.of("fail")).toHaveLength(1), { withinMs: 20_000 });
    expect(plane.of("fail")[0]).toMatchObject({
      error: expect.stringContaining("no state that can be read") as string,
      inFlight: ["coder_agent.main", "terraform_data.waits"],
    });
    plane.offer(await buildJob(plane, waitingTemplate(gate)));
    await eventually(() => expect(plane.of("complete")).toHaveLength(1), { withinMs: 20_000 });
  },
);

withTerraform.concurrent(
  "P5: one build at a time: the second job waits for the end of the first",
  async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    await using _daemon = await startDaemon(plane.url, { cacheFolder: join(folder.path, "cache") });
    const gate = join(folder.path, "gate");
    const first = await buildJob(plane, waitingTemplate(gate));
    const second = await buildJob(plane, agentTemplate, { workspaceId: randomUUID() });
    plane.offer(first);
    plane.offer(second);
    const attached = () => [...new Set(plane.attaches.map(({ jobId }) => jobId))]; // to one it may attach again
    await eventually(() => expect(plane.logText).toMatch(/: waiting$/m));
    expect(attached()).toEqual([first.jobId]);
    await writeFile(gate, "");
    await eventually(() => expect(plane.of("complete")).toHaveLength(2), { withinMs: 20_000 });
    expect(attached()).toEqual([first.jobId, second.jobId]);
  },
);

/** A tar header with its name changed needs its sum anew: the sum of its bytes with the sum's own field as blanks. */
function fixChecksum(archive: Buffer): Buffer {
  archive.fill(" ", 148, 156);
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return archive;
}
