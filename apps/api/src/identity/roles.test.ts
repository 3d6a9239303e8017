import { expect, test } from "vitest";
import { isSiteRole, scopeOf } from "./roles.ts";

test("everybody is a member, and the widest of several roles counts", () => {
  expect(scopeOf([], "workspaces:update")).toBe("own");
  expect(scopeOf(["auditor"], "workspaces:update")).toBe("own");
  expect(scopeOf(["auditor"], "workspaces:read")).toBe("own");
  expect(scopeOf(["template-admin"], "workspaces:read")).toBe("any");
  expect(scopeOf(["auditor", "template-admin"], "files:create")).toBe("any");
  expect(scopeOf(["owner"], "keys:delete")).toBe("any");
});

test("a role that nobody knows grants nothing more", () => {
  expect(scopeOf(["king"], "users:create")).toBeUndefined();
  expect(scopeOf(["constructor"], "users:create")).toBeUndefined();
  expect(isSiteRole("constructor")).toBe(false);
});
