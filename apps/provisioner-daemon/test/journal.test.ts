import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { provisioner } from "@berth/contract";
import { temporaryFolder } from "@berth/testing";
import { expect, test } from "vitest";
import { numberedLine } from "../src/build/job-log.ts";
import { Journal, readJournal } from "../src/cache/journal.ts";

const line = (sequence: bigint) =>
  numberedLine(sequence, provisioner.LogSource.PROVISIONER, "info", "Starting workspace", `line ${sequence}`);

test("what was numbered and not committed is read again, whatever was torn at the end", async () => {
  await using folder = await temporaryFolder();
  {
    await using journal = await Journal.open(folder.path, (error) => expect.unreachable(String(error)));
    journal.numbered([line(1n), line(2n)], 80);
    journal.committed(1n);
    journal.numbered([line(3n)], 120);
  }
  await appendFile(join(folder.path, "journal.jsonl"), `{"line": {"sequ`);
  const read = await readJournal(folder.path);
  expect(read.unacknowledged.map(({ output }) => output)).toEqual(["line 2", "line 3"]);
  expect(read).toMatchObject({ lastSequence: 3n, readTo: 120 });
});

test("a job that had nothing to say has an empty journal", async () => {
  await using folder = await temporaryFolder();
  expect(await readJournal(folder.path)).toEqual({ unacknowledged: [], lastSequence: 0n, readTo: 0 });
});
