import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "./secret.ts";

test("a secret never prints, however it is printed", () => {
  const secret = new Secret("hunter2");
  const printed = [String(secret), inspect({ secret }), JSON.stringify({ secret })];
  expect(printed.join()).not.toContain("hunter2");
  expect(secret.reveal()).toBe("hunter2");
});
