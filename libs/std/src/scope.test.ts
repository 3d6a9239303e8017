import { expect, test } from "vitest";
import { Scope } from "./scope.ts";

test("everything is released last in first out, even if one release fails, and the failure is named", async () => {
  const events: string[] = [];
  const scope = new Scope();
  scope.add("first", () => events.push("first"));
  scope.add("second", () => {
    throw new Error("stuck");
  });
  scope.add("third", () => events.push("third"));
  await expect(scope.close()).rejects.toThrow("closing: second: stuck");
  expect(events).toEqual(["third", "first"]);
});

test("what is added after the end is released at once", async () => {
  const scope = new Scope();
  await scope.close();
  const released = Promise.withResolvers<string>();
  scope.add("late", () => released.resolve("late"));
  expect(await released.promise).toBe("late");
});

test("a child closes with its parent, or leaves it by closing alone", async () => {
  const parent = new Scope();
  const [early, late] = [parent.child("early"), parent.child("late")];
  await early.close();
  expect(parent.open).toEqual(["late"]);
  await parent.close();
  expect(late.signal.aborted).toBe(true);
});

test("closing twice releases once", async () => {
  const events: string[] = [];
  const scope = new Scope();
  scope.add("only", () => events.push("only"));
  await Promise.all([scope.close(), scope.close()]);
  expect(events).toEqual(["only"]);
});
