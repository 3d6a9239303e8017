import { agent } from "@berth/contract";

/** Lifecycle states in the only order they can be gone through. */
const ORDER = [
  "created",
  "starting",
  "start_timeout",
  "start_error",
  "ready",
  "shutting_down",
  "shutdown_timeout",
  "shutdown_error",
  "off",
] as const;

/** The public lifecycle of an agent. */
export type LifecycleState = (typeof ORDER)[number];

/** The state that a message names; undefined for one that a newer agent knows and we do not. */
export function lifecycleState(state: agent.LifecycleState): LifecycleState | undefined {
  return ORDER[state - agent.LifecycleState.CREATED];
}

/** Whether an agent may go on from one state to the other: never back. */
export function mayFollow(from: string, to: LifecycleState): boolean {
  return ORDER.indexOf(to) > ORDER.findIndex((state) => state === from);
}

/** Whether the start scripts are over, however they ended. */
export function hasStarted(state: LifecycleState): boolean {
  return state === "ready" || state === "start_error" || state === "start_timeout";
}
