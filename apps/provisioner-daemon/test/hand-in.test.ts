import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually, temporaryFolder } from "@berth/testing";
import { expect } from "vitest";
import { LOG_ENDS } from "../src/build/job-log.ts";
import { type JobRecord, RecordFile } from "../src/cache/job-record.ts";
import { startDaemon, withTerraform } from "./daemon-at-work.ts";
import { ScriptedPlane } from "./scripted-plane.ts";

const said = (json: object) => JSON.stringify({ "@level": "info", "@message": "said", ...json });

withTerraform(
  "what a Terraform said without end is handed in as far as a message goes, with all it had begun",
  async () => {
    await using folder = await temporaryFolder();
    await using plane = await ScriptedPlane.open();
    const work = join(folder.path, "work", "job");
    await mkdir(work, { recursive: true });
    const dead = { pid: 4_000_000, startedAt: "1", boot: "another" };
    const stdoutFile = join(work, "apply.out");
    const loud = said({ "@message": "x".repeat(30_000) });
    const started = said({
      type: "apply_start",
      hook: { resource: { addr: "disk.late" }, action: "create" },
    });
    await writeFile(stdoutFile, [...Array.from({ length: 1_000 }, () => loud), started, ""].join("\n"));
    const record: JobRecord = {
      jobId: randomUUID(),
      epoch: "1",
      folder: work,
      applyBegun: true,
      creates: ["disk.early", "disk.late"],
      stage: "Starting workspace",
      terraform: { mark: dead, guard: dead, command: "apply", stdoutFile },
    };
    await new RecordFile(folder.path).write(record);
    await using _daemon = await startDaemon(plane.url, { cacheFolder: folder.path });
    await eventually(() => expect(plane.handedIn).toHaveLength(1), { withinMs: 10_000 });
    const [handed] = plane.handedIn;
    expect(handed).toMatchObject({ jobId: record.jobId, terraformEnded: true, inFlight: ["disk.late"] });
    expect(handed?.logs.length).toBeGreaterThan(100);
    expect(handed?.logs.at(-1)?.output).toBe(LOG_ENDS);
  },
);
