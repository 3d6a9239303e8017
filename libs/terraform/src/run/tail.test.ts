import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { deferred } from "@berth/std";
import { expect, onTestFinished, test, vi } from "vitest";
import { Tail } from "./tail.ts";

async function fileIn(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-tail-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "out");
}

test("any bytes, written in any pieces, are heard as their lines, and read on from any line's end", async () => {
  const path = await fileIn();
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom("\n", "ü\n", "\0\n", "😀", "\n\n").map((text) => Buffer.from(text)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.nat(), async (pieces, pick) => {
      await writeFile(path, "");
      const heard: { line: string; offset: number }[] = [];
      {
        await using _tail = await Tail.follow(path, (line, offset) => void heard.push({ line, offset }));
        for (const each of pieces) await appendFile(path, each);
      }
      const whole = Buffer.concat(pieces);
      const lines = whole.toString("utf8").split("\n");
      expect(heard.map(({ line }) => line)).toEqual(lines.at(-1) === "" ? lines.slice(0, -1) : lines);
      expect(heard.at(-1)?.offset ?? 0).toBe(whole.length);
      const from = pick % (heard.length + 1);
      const rest: string[] = [];
      {
        await using _again = await Tail.follow(path, (line) => void rest.push(line), heard[from - 1]?.offset);
      }
      expect(rest).toEqual(heard.slice(from).map(({ line }) => line));
    }),
    { numRuns: 40 },
  );
});

test("nothing more is read until who hears has settled", async () => {
  const path = await fileIn();
  await writeFile(path, "one\ntwo\nthree\n");
  const heard: string[] = [];
  const gates = [deferred(), deferred()];
  const tail = await Tail.follow(path, async (line) => {
    heard.push(line);
    await gates[heard.length - 1]?.promise;
  });
  await vi.waitFor(() => expect(heard).toEqual(["one"]));
  gates[0]?.resolve();
  await vi.waitFor(() => expect(heard).toEqual(["one", "two"]));
  gates[1]?.resolve();
  await tail[Symbol.asyncDispose]();
  expect(heard).toEqual(["one", "two", "three"]);
});

test("a line without end is heard in parts, and nothing of it is lost", async () => {
  const path = await fileIn();
  await writeFile(path, Buffer.alloc(10 << 20, "x"));
  const parts: number[] = [];
  {
    await using _tail = await Tail.follow(path, (line) => void parts.push(line.length));
  }
  expect(Math.max(...parts)).toBeLessThanOrEqual((4 << 20) + (64 << 10));
  expect(parts.reduce((sum, part) => sum + part, 0)).toBe(10 << 20);
});
