import { CodedError, Secret } from "@berth/std";
import { expect, test } from "vitest";
import { createLogger, withSpan } from "./index.ts";

function recorded(verbose = false) {
  const lines: Record<string, unknown>[] = [];
  const to = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  return { lines, log: createLogger({ to, verbose, fields: { service: "api" } }) };
}

test("a line is JSON with time, level, the fields of the logger and its children, and the message", () => {
  const { lines, log } = recorded();
  log.child({ replica: "r1" }).info("replica joined", { peers: 2 });
  expect(lines).toEqual([
    {
      level: "info",
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      service: "api",
      replica: "r1",
      peers: 2,
      msg: "replica joined",
    },
  ]);
});

test("debug lines are written when verbose only", () => {
  const quiet = recorded();
  quiet.log.debug("detail");
  expect(quiet.lines).toEqual([]);
  const loud = recorded(true);
  loud.log.debug("detail");
  expect(loud.lines).toHaveLength(1);
});

test("an error is logged whole: code, stack, cause; a secret never", () => {
  const { lines, log } = recorded();
  const error = new CodedError("unavailable", "database away", { cause: new Error("ECONNREFUSED") });
  log.error("query failed", { error, password: new Secret("hunter2") });
  const line = JSON.stringify(lines[0]);
  expect(line).toContain("ECONNREFUSED");
  expect(line).toContain("logger.test.ts");
  expect(line).toContain('"code":"unavailable"');
  expect(line).toContain('"password":"[secret]"');
  expect(line).not.toContain("hunter2");
});

test("a line written inside a span carries its trace", () => {
  const { lines, log } = recorded();
  withSpan("api.create", () => log.info("inside"), {
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  });
  expect(lines[0]).toMatchObject({ trace: "a".repeat(32) });
});
