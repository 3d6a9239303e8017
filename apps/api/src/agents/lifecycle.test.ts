import { expect, test } from "vitest";
import { agent } from "@berth/contract";
import { hasStarted, lifecycleState, mayFollow } from "./lifecycle.ts";

test("the wire's states are the public ones, in their order", () => {
  expect(lifecycleState(agent.LifecycleState.CREATED)).toBe("created");
  expect(lifecycleState(agent.LifecycleState.READY)).toBe("ready");
  expect(lifecycleState(agent.LifecycleState.OFF)).toBe("off");
  expect(lifecycleState(agent.LifecycleState.UNSPECIFIED)).toBeUndefined();
});

test("a lifecycle never goes back", () => {
  expect(mayFollow("created", "starting")).toBe(true);
  expect(mayFollow("starting", "ready")).toBe(true);
  expect(mayFollow("ready", "starting")).toBe(false);
  expect(mayFollow("ready", "ready")).toBe(false);
  expect(mayFollow("off", "ready")).toBe(false);
});

test("an agent has started however its scripts ended", () => {
  expect(hasStarted("start_error")).toBe(true);
  expect(hasStarted("starting")).toBe(false);
});
