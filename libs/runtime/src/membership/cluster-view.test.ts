import { registry } from "@berth/contract";
import { expect, test } from "vitest";
import { ClusterView } from "./cluster-view.ts";

const replica = (id: string, hostname = id) => registry.Replica.fromPartial({ id, hostname });
const hosts = (view: ClusterView) => view.replicas().map(({ hostname }) => hostname);

test("changes follow a view, and whoever listens is told each", () => {
  const view = new ClusterView();
  let told = 0;
  view.onChange(() => (told += 1));
  view.replace({ revision: 5n, replicas: [replica("a"), replica("b")], stale: false });
  view.change({
    revision: 6n,
    changed: [replica("c"), replica("a", "renamed")],
    removedIds: ["b"],
    stale: false,
  });
  expect(hosts(view)).toEqual(["renamed", "c"]);
  expect([view.revision, told]).toEqual([6n, 2]);
});

test("an older view and a change that was seen already are ignored, whichever registry tells", () => {
  const view = new ClusterView();
  view.replace({ revision: 9n, replicas: [replica("a")], stale: false });
  view.replace({ revision: 8n, replicas: [], stale: true });
  view.change({ revision: 9n, changed: [], removedIds: ["a"], stale: false });
  expect([hosts(view), view.revision]).toEqual([["a"], 9n]);
});
