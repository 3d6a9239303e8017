import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually, temporaryFolder } from "@berth/testing";
import { expect } from "vitest";
import { QUICK, buildJob, head, startDaemon, withTerraform } from "./daemon-at-work.ts";
import { ScriptedPlane } from "./scripted-plane.ts";

const LINES = 4_000;

/** Says a lot once the first file is there, and ends when the second is. */
function floodingTemplate(flood: string, gate: string): Record<string, string> {
  const wait = (file: string) => `until [ -e '${file}' ]; do sleep 0.05; done`;
  const command = `echo ready; ${wait(flood)}; seq -f 'line %.0f ${"x".repeat(1_000)}' 1 ${LINES}; ${wait(gate)}`;
  return {
    "main.tf": `${head}\nresource "terraform_data" "loud" {\n  provisioner "local-exec" {\n    command = "${command}"\n  }\n}\n`,
  };
}

/** What the command said, without lines: Terraform cuts one that has not come whole within a tenth of a second. */
function saidByLoud(plane: ScriptedPlane): string {
  const prefix = "terraform_data.loud: (local-exec): ";
  const said = plane.logLines.map(({ output }) => output).filter((output) => output.startsWith(prefix));
  return said.map((output) => output.slice(prefix.length)).join("");
}

const sizeOf = async (path: string) => (await stat(path)).size;

withTerraform(
  "what Terraform says while nothing can be stored stays in its files, and comes whole and in order afterwards",
  async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    const cacheFolder = join(folder.path, "cache");
    await using _daemon = await startDaemon(plane.url, {
      cacheFolder,
      periods: { ...QUICK, uncommittedMs: 60_000 },
    });
    const [flood, gate] = [join(folder.path, "flood"), join(folder.path, "gate")];
    const job = await buildJob(plane, floodingTemplate(flood, gate));
    plane.offer(job);
    await eventually(() => expect(plane.logText).toMatch(/: ready$/m), { withinMs: 20_000 });
    plane.databaseAway = true;
    await writeFile(flood, "");
    const work = join(cacheFolder, "work", `${job.jobId}-${job.epoch}`);
    await eventually(async () =>
      expect(await sizeOf(join(work, "output", "apply.out"))).toBeGreaterThan(LINES * 1_000),
    );
    await writeFile(gate, "");
    await eventually(async () =>
      expect(await readFile(join(work, "output", "apply.out"), "utf8")).toContain("Apply complete"),
    );
    await eventually(async () =>
      expect(await sizeOf(join(work, "journal.jsonl"))).toBeGreaterThan(1_000_000),
    );
    expect(await sizeOf(join(work, "journal.jsonl"))).toBeLessThan(2_500_000);
    plane.databaseAway = false;
    plane.cut();
    await eventually(() => expect(plane.of("complete")).toHaveLength(1), { withinMs: 20_000 });
    const numbers = [...saidByLoud(plane).matchAll(/line (\d+) x{1000}(?!x)/g)].map(([, nr]) => Number(nr));
    expect(numbers).toEqual(Array.from({ length: LINES }, (_, at) => at + 1));
    const sequences = plane.logLines.map(({ sequence }) => Number(sequence));
    expect(sequences).toEqual(sequences.map((_, at) => at + 1));
  },
);
