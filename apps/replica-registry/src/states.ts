import { registry } from "@berth/contract";

/** The life of a replica. */
export type State = "starting" | "ready" | "draining" | "stopped" | "lost" | "unobserved";

/** What can happen to one. */
export type Happening =
  /** It says so itself, on joining or in a report. */
  | "says starting"
  | "says ready"
  | "says draining"
  | "said goodbye"
  /** Its stream ended, and it did not join again in time. */
  | "stream ended"
  /** The registry that held its stream died. */
  | "registry died"
  /** The registry that holds its stream lives, but reaches the database no longer. */
  | "registry cut off"
  /** Nobody has observed it for long. */
  | "unobserved for long";

//   starting → ready → draining → stopped
//   any of them → lost | unobserved → lost; whoever speaks again is what it says. Only `stopped` is for good: the id of a
//   replica is new at every start of its process.

const SPEAKS = { "says starting": "starting", "says ready": "ready", "says draining": "draining" } as const;
const LIVES = {
  ...SPEAKS,
  "said goodbye": "stopped",
  "stream ended": "lost",
  "registry died": "unobserved",
  "registry cut off": "unobserved",
} as const;

/** The transitions, as data; what is missing does not change the state. */
export const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<Happening, State>>>>> = {
  starting: LIVES,
  ready: { ...LIVES, "says starting": "ready" },
  draining: { ...LIVES, "says starting": "draining", "says ready": "draining" },
  unobserved: { ...SPEAKS, "said goodbye": "stopped", "stream ended": "lost", "unobserved for long": "lost" },
  lost: { ...SPEAKS, "said goodbye": "stopped" },
  stopped: {},
};

/** The state after something happened. */
export function next(state: State, happening: Happening): State {
  return TRANSITIONS[state][happening] ?? state;
}

/** The states from which something leads to the wanted one: what a guarded statement may find. */
export function statesBefore(happening: Happening): readonly State[] {
  return STATES.filter((state) => next(state, happening) !== state);
}

/** Every state. */
export const STATES = Object.keys(TRANSITIONS).filter((name): name is State => name in TRANSITIONS);

/** Those that belong into the view. */
export const LIVE: readonly State[] = ["starting", "ready", "draining", "unobserved"];

/** Whether members should be told of it. */
export function isLive(state: State): boolean {
  return LIVE.includes(state);
}

const WIRE = {
  starting: registry.ReplicaState.STARTING,
  ready: registry.ReplicaState.READY,
  draining: registry.ReplicaState.DRAINING,
  stopped: registry.ReplicaState.STOPPED,
  lost: registry.ReplicaState.LOST,
  unobserved: registry.ReplicaState.UNOBSERVED,
} as const satisfies Record<State, registry.ReplicaState>;

/** As the wire has it. */
export function toWire(state: State): registry.ReplicaState {
  return WIRE[state];
}

/** What a member may say of itself; anything else counts as starting. */
export function spoken(state: registry.ReplicaState): "starting" | "ready" | "draining" {
  if (state === registry.ReplicaState.READY) return "ready";
  return state === registry.ReplicaState.DRAINING ? "draining" : "starting";
}
