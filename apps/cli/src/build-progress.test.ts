import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BuildProgress, type Screen } from "./build-progress.ts";

const BEGIN = Date.parse("2030-01-01T00:00:00Z");
const line = (stage: string, output: string, atMs = 0, log_level = "info") => ({
  created_at: new Date(BEGIN + atMs).toISOString(),
  log_level,
  stage,
  output,
});

function screen(options: Partial<Screen> = {}) {
  const state = { text: "", isAsking: false };
  const shown = {
    isTerminal: true,
    hasColour: false,
    columns: 80,
    get isAsking() {
      return state.isAsking;
    },
    ...options,
    write: (part: string) => void (state.text += part),
  };
  return { state, shown };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("without a terminal each stage is named, its log follows, and its time is given when it is over", () => {
  const clock = { now: 0 };
  const { state, shown } = screen({ isTerminal: false });
  const progress = new BuildProgress(shown, () => clock.now);
  progress.wait("2nd in the queue");
  progress.wait("2nd in the queue");
  progress.add(line("Planning infrastructure", "Plan: 1 to add"));
  clock.now = 1500;
  progress.add(line("Starting workspace", "", 1500));
  progress.add(line("Starting workspace", "boom", 1500, "error"));
  clock.now = 3000;
  progress.end(false);
  expect(state.text).toBe(
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

test("the stage that failed is marked, not the one that cleans up behind it", () => {
  const { state, shown } = screen({ isTerminal: false });
  const progress = new BuildProgress(shown, () => 0);
  progress.add(line("Starting workspace", "Error: boom\n  in main.tf", 0, "error"));
  progress.add(line("Cleaning Up", ""));
  progress.end(false);
  expect(state.text).toMatch(/^ {4}Error: boom\n {6}in main\.tf\n✘ Starting workspace/m);
  expect(state.text).toContain("✔ Cleaning Up");
});

test("who comes late, or has another clock, sees how long each stage really takes", () => {
  const clock = { now: 7_000 };
  const { state, shown } = screen({ isTerminal: false });
  const progress = new BuildProgress(shown, () => clock.now);
  progress.add(line("Setting up", ""));
  progress.add(line("Starting workspace", "", 2_000));
  progress.add(line("Starting workspace", "tick", 30_000));
  clock.now += 500;
  progress.end(true);
  expect(state.text).toMatch(/✔ Setting up \[2\.0s\][^]*✔ Starting workspace \[28\.5s\]/);
});

test("on a terminal the running stage has a clock, and its line is cleared before anything else is written", () => {
  const clock = { now: 0 };
  const { state, shown } = screen();
  using progress = new BuildProgress(shown, () => clock.now);
  vi.advanceTimersByTime(200);
  expect(state.text).toBe("\r\u001b[K⧗ Waiting for a provisioner [0ms]");
  progress.add(line("Setting up", "hello"));
  clock.now = 400;
  vi.advanceTimersByTime(200);
  progress.end(true);
  expect(state.text).toContain(
    "\r\u001b[K    hello\n\r\u001b[K⧗ Setting up [400ms]\r\u001b[K✔ Setting up [400ms]\n",
  );
});

test.each([10, 24, 40, 200])("in %i columns the running line has one row and keeps its clock", (columns) => {
  const { state, shown } = screen({ columns });
  using progress = new BuildProgress(shown, () => 0);
  progress.add(line("Detecting persistent resources", ""));
  state.text = "";
  vi.advanceTimersByTime(200);
  const row = state.text.replace("\r\u001b[K", "");
  expect(row.length).toBeLessThan(columns);
  expect(row).toMatch(/ \[0ms\]$/);
});

test("while a question stands on the screen nothing is written, and nothing is lost", () => {
  const { state, shown } = screen();
  using progress = new BuildProgress(shown, () => 0);
  progress.add(line("Starting workspace", "one"));
  Object.assign(state, { text: "", isAsking: true });
  progress.add(line("Starting workspace", "two"));
  vi.advanceTimersByTime(1_000);
  expect(state.text).toBe("");
  state.isAsking = false;
  vi.advanceTimersByTime(200);
  expect(state.text).toBe("\r\u001b[K    two\n⧗ Starting workspace [0ms]");
  Object.assign(state, { text: "", isAsking: true });
  progress.add(line("Starting workspace", "three"));
  progress.end(true);
  expect(state.text).toContain("    three\n✔ Starting workspace");
});

test("colour is only where it is wanted", () => {
  const coloured = screen({ hasColour: true });
  using one = new BuildProgress(coloured.shown, () => 0);
  one.add(line("Starting workspace", "boom", 0, "error"));
  expect(coloured.state.text).toContain("\u001b[31m    boom\u001b[0m");
  const plain = screen();
  using two = new BuildProgress(plain.shown, () => 0);
  two.add(line("Starting workspace", "boom", 0, "error"));
  expect(plain.state.text).toContain("    boom\n");
  expect(plain.state.text.replaceAll("\r\u001b[K", "")).not.toContain("\u001b");
});
