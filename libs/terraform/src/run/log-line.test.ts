import { expect, test } from "vitest";
import { readStreamLine } from "./log-line.ts";

const line = (json: object) => JSON.stringify({ "@level": "info", "@message": "said", ...json });

test("a message keeps its level, TRACE is left out, and what is no JSON is text", () => {
  expect(readStreamLine(line({ "@level": "warn" }), "stdout").lines).toEqual([
    { level: "warn", output: "said" },
  ]);
  expect(readStreamLine(line({ "@level": "trace" }), "stdout").lines).toEqual([]);
  expect(readStreamLine(line({}), "stderr").lines).toEqual([{ level: "debug", output: "said" }]);
  expect(readStreamLine("plain \u001b[1mtext\u001b[0m", "stdout").lines).toEqual([
    { level: "info", output: "plain text" },
  ]);
  expect(readStreamLine("{not json", "stdout").lines).toEqual([{ level: "info", output: "{not json" }]);
});

test("a diagnostic becomes lines with place, snippet and detail", () => {
  const diagnostic = {
    severity: "error",
    summary: "Invalid os",
    detail: "use linux",
    range: { filename: "main.tf", start: { line: 3, column: 5, byte: 1 } },
    snippet: { context: 'resource "coder_agent" "main"', code: '  os = "beos"', start_line: 3, values: [] },
  };
  const read = readStreamLine(line({ "@level": "error", type: "diagnostic", diagnostic }), "stdout");
  expect(read.lines.map(({ output }) => output)).toEqual([
    "Error: Invalid os",
    "",
    '  on main.tf line 3, in resource "coder_agent" "main":',
    '  3:   os = "beos"',
    "",
    "use linux",
  ]);
  expect(read.diagnostic?.at).toEqual({ file: "main.tf", line: 3, column: 5 });
});

test("a creation that begins is told by its address", () => {
  const hook = { resource: { addr: "coder_agent.main" }, action: "create" };
  expect(readStreamLine(line({ type: "apply_start", hook }), "stdout").started).toBe("coder_agent.main");
  const other = { ...hook, action: "delete" };
  expect(readStreamLine(line({ type: "apply_start", hook: other }), "stdout").started).toBeUndefined();
});
