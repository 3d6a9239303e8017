import { expect, test } from "vitest";
import { eventually, expectNoLeaks } from "@berth/testing";
import { Cluster, untilListed } from "./cluster.ts";

expectNoLeaks();

test("replicas that share a database list each other", async () => {
  const cluster = await Cluster.open();
  const all = await Promise.all([cluster.start(), cluster.start(), cluster.start()]);
  for (const replica of all) await untilListed(replica, all);
  await eventually(async () => {
    const [first] = await all[0].list();
    expect(first?.peerRoundTrips.filter(({ median }) => median !== undefined)).toHaveLength(2);
  });
}, 60_000);
