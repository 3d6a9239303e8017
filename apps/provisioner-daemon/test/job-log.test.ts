import { temporaryFolder } from "@berth/testing";
import { expect, test } from "vitest";
import { Journal, readJournal } from "../src/cache/journal.ts";
import { JobLog, LOG_BYTES, LOG_ENDS, bytesOf } from "../src/build/job-log.ts";
import type { provisioner } from "@berth/contract";

async function openLog(commit: (lines: provisioner.LogLine[]) => Promise<unknown>) {
  const folder = await temporaryFolder();
  const journal = await Journal.open(folder.path, (error) => expect.unreachable(String(error)));
  const log = new JobLog(journal, 10_000, commit);
  return {
    log,
    journalOf: () => readJournal(folder.path),
    async [Symbol.asyncDispose]() {
      log[Symbol.dispose]();
      await journal[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const line = (output: string) => ({ level: "info" as const, output });

test("a log that is too long ends with a word about it, and what the daemon itself says still comes", async () => {
  const committed: provisioner.LogLine[] = [];
  await using opened = await openLog((lines) => Promise.resolve(committed.push(...lines)));
  for (let said = 0; said < 400; said += 1) {
    await Promise.all([opened.log.relay([line("x".repeat(31_000))]), opened.log.flush()]);
  }
  opened.log.say("error", "the end");
  await opened.log.flush();
  expect(bytesOf(committed)).toBeLessThan(LOG_BYTES + 100_000);
  expect(committed.slice(-2).map(({ output }) => output)).toEqual([LOG_ENDS, "the end"]);
  const sequences = committed.map(({ sequence }) => Number(sequence));
  expect(sequences).toEqual(sequences.map((_, at) => at + 1));
});

test("lines that will never be committed stay in the journal, and hold up nobody", async () => {
  await using opened = await openLog(() => Promise.reject(new Error("the line is over")));
  for (let said = 0; said < 5; said += 1)
    await Promise.all([opened.log.relay([line("y".repeat(30_000))], said), opened.log.flush()]);
  const { unacknowledged, readTo } = await opened.journalOf();
  expect(unacknowledged).toHaveLength(5);
  expect(readTo).toBe(4);
});
