import { expect, test } from "vitest";
import { expandPath, expandVariables } from "./expand.ts";

test("variables are replaced in both forms, and those that are not set are nothing", () => {
  expect(expandVariables("/opt/bin:$PATH:${HOME}/bin:$NONE", { PATH: "/bin", HOME: "/home/a" })).toBe(
    "/opt/bin:/bin:/home/a/bin:",
  );
});

test("a home, a variable and a relative path become absolute", () => {
  const where = { home: "/home/a", base: "/base", variables: { WORK: "/work" } };
  expect(expandPath("~/code", where)).toBe("/home/a/code");
  expect(expandPath("~", where)).toBe("/home/a");
  expect(expandPath("$WORK/x", where)).toBe("/work/x");
  expect(expandPath("code", where)).toBe("/base/code");
  expect(expandPath("~other/x", where)).toBe("/base/~other/x");
});
