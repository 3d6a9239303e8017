import { expect, test } from "vitest";
import type { State } from "./states.ts";
import type { ReplicaRow } from "./store.ts";
import { RegistryView, type Step } from "./view.ts";

const row = (id: string, state: State, revision: bigint): ReplicaRow => ({
  ...{ id, hostname: id, services: ["api"], regionId: 999, version: "v1", relayUrl: "", accessUrl: "" },
  ...{ pingAddress: "", listenPort: 3000, poolSize: 5, state, error: "", postgresRoundTripMs: null },
  ...{ startedAt: new Date(0), joinedAt: new Date(0), ownerId: "r", joinSequence: 1n, revision },
});

function viewOf(...rows: readonly ReplicaRow[]) {
  const view = new RegistryView();
  view.apply({ revision: BigInt(rows.length), rows, links: [] });
  return view;
}

test("who is gone is told as removed, once, and an older read changes nothing", () => {
  const view = viewOf(row("a", "ready", 1n), row("b", "ready", 2n));
  const steps: Step[] = [];
  using _hearing = view.onStep((step) => steps.push(step));
  view.apply({ revision: 3n, rows: [row("b", "lost", 3n)], links: [] });
  view.apply({ revision: 2n, rows: [row("b", "ready", 2n)], links: [] });
  expect(steps.map(({ revision, removedIds }) => [revision, removedIds])).toEqual([[3n, ["b"]]]);
  expect(view.snapshot().replicas.map(({ id }) => id)).toEqual(["a"]);
});

test("rows of those who are gone are kept for their registry's member only", () => {
  const view = viewOf(row("a", "ready", 1n), row("b", "lost", 2n), row("c", "stopped", 3n));
  view.forgetGone((id) => id === "b");
  expect(["a", "b", "c"].map((id) => view.row(id)?.state)).toEqual(["ready", "lost", undefined]);
});
