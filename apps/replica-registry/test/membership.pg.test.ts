import { expect, test } from "vitest";
import { eventually, expectNoLeaks } from "@berth/testing";
import { Cluster, untilListed } from "./cluster.ts";

expectNoLeaks();
const LONG = { timeout: 60_000 };

test.concurrent(
  "replicas that share a database list each other, and how far apart they are",
  LONG,
  async (context) => {
    const cluster = await Cluster.open(context);
    const [first, second] = await Promise.all([cluster.start(), cluster.start()]);
    for (const replica of [first, second]) await untilListed(replica, [first, second]);
    await eventually(async () => {
      for (const { peerRoundTrips, postgresRoundTrip } of await first.list()) {
        expect(peerRoundTrips.filter(({ median }) => median !== undefined)).toHaveLength(1);
        expect(postgresRoundTrip).toBeDefined();
      }
    });
    const [link] = await cluster.database.sql<
      { unreachable: boolean }[]
    >`select unreachable from registry.link`;
    expect(link).toEqual({ unreachable: false });
  },
);

test.concurrent("a replica that is killed disappears for its peers", LONG, async (context) => {
  const cluster = await Cluster.open(context);
  const [a, b] = await Promise.all([cluster.start(), cluster.start()]);
  const member = await cluster.start({ CODER_REPLICA_REGISTRY_URL: `http://${a.address}` });
  await untilListed(a, [a, b, member]);
  member.program.kill("SIGKILL"); // its stream ends at a
  b.program.kill("SIGKILL"); // its own registry was all that observed it
  await untilListed(a, [a]);
  expect(await cluster.stateOf(member)).toBe("lost");
  expect(await cluster.stateOf(b)).toBe("lost");
});

test.concurrent(
  "members of a registry that is killed join another, and are never lost",
  LONG,
  async (context) => {
    const cluster = await Cluster.open(context);
    const [a, b] = await Promise.all([cluster.start(), cluster.start()]);
    const urls = `http://${a.address},http://${b.address}`;
    const member = await cluster.start({ CODER_REPLICA_REGISTRY_URL: urls });
    const first = await cluster.ownerOf(member);
    const [dying, other] = first === a.id ? [a, b] : [b, a];
    expect(first).toBe(dying.id);
    await untilListed(other, [a, b, member]);
    const history = await cluster.historyOf(member);
    dying.program.kill("SIGKILL");
    await eventually(async () => expect(await cluster.ownerOf(member)).toBe(other.id));
    await untilListed(other, [other, member]);
    expect(await history()).toEqual(["ready"]);
  },
);

test.concurrent(
  "a replica told to end says goodbye, and its members move without being missed",
  LONG,
  async (context) => {
    const cluster = await Cluster.open(context);
    const [a, b] = await Promise.all([cluster.start(), cluster.start()]);
    const member = await cluster.start({
      CODER_REPLICA_REGISTRY_URL: `http://${a.address},http://${b.address}`,
    });
    await untilListed(b, [a, b, member]);
    const history = await cluster.historyOf(member);
    const leaving = await cluster.historyOf(a);
    a.program.kill("SIGTERM");
    expect(await a.program.exit).toEqual({ code: 0, signal: null });
    await untilListed(b, [b, member]);
    expect(await history()).toEqual(["ready"]);
    expect((await leaving()).at(-1)).toBe("stopped");
    expect(await leaving()).not.toContain("lost");
  },
);
