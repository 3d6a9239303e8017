import { expect, test } from "vitest";
import { BuildProgress } from "./build-progress.ts";

const line = (stage: string, output: string, log_level = "info") => ({
  created_at: "2030-01-01T00:00:00Z",
  log_level,
  stage,
  output,
});

test("without a terminal each stage is named, its log follows, and its time is given when it is over", () => {
  const clock = { now: 0 };
  const text: string[] = [];
  const progress = new BuildProgress(
    { isTerminal: false, write: (part) => text.push(part) },
    () => clock.now,
  );
  progress.wait("2nd in the queue");
  progress.add(line("Planning infrastructure", "Plan: 1 to add"));
  clock.now = 1500;
  progress.add(line("Starting workspace", ""));
  progress.add(line("Starting workspace", "boom", "error"));
  clock.now = 3000;
  progress.end(false);
  expect(text.join("")).toBe(
    [
      "    2nd in the queue",
      "==> Planning infrastructure",
      "    Plan: 1 to add",
      "✔ Planning infrastructure [1.5s]",
      "==> Starting workspace",
      "    boom",
      "✘ Starting workspace [1.5s]",
      "",
    ].join("\n"),
  );
});

test("on a terminal the running line is cleared before anything is written", () => {
  const text: string[] = [];
  using progress = new BuildProgress({ isTerminal: true, write: (part) => text.push(part) });
  progress.add(line("Setting up", "hello"));
  progress.end(true);
  expect(text.every((part) => part.startsWith("\r\u001b[K"))).toBe(true);
});
