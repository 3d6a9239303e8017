import { expect, test } from "vitest";
import { parseWorkspaceName } from "./workspace-name.ts";

test.each([
  ["dev", { owner: "me", workspace: "dev" }],
  ["dev.main", { owner: "me", workspace: "dev", agent: "main" }],
  ["ann/dev", { owner: "ann", workspace: "dev" }],
  ["ann/dev.main", { owner: "ann", workspace: "dev", agent: "main" }],
  ["ann--dev", { owner: "ann", workspace: "dev" }],
  ["ann--dev.main", { owner: "ann", workspace: "dev", agent: "main" }],
  ["ann--dev--main", { owner: "ann", workspace: "dev", agent: "main" }],
  ["main.dev.ann", { owner: "ann", workspace: "dev", agent: "main" }],
  ["my-dev-2", { owner: "me", workspace: "my-dev-2" }],
])("%s is understood", (typed, name) => {
  expect(parseWorkspaceName(typed)).toEqual(name);
});

test("a host of ssh loses its prefix or its suffix first", () => {
  expect(parseWorkspaceName("coder.dev", { prefix: "coder." })).toEqual({ owner: "me", workspace: "dev" });
  expect(parseWorkspaceName("dev.coder", { suffix: "coder" })).toEqual({ owner: "me", workspace: "dev" });
  expect(parseWorkspaceName("coder-vscode.h--ann--dev.main", { prefix: "coder-vscode.h--" })).toEqual({
    owner: "ann",
    workspace: "dev",
    agent: "main",
  });
});

test.each(["", "a/b/c", "a--b--c--d", "a.b.c.d", "ann/", "/dev", "dev."])(
  "%j is refused, with the forms that are understood",
  (typed) => {
    expect(() => parseWorkspaceName(typed)).toThrow("is not a workspace: give <workspace>");
  },
);
