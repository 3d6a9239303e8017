import { expect, onTestFinished, test } from "vitest";
import { eventually, expectNoLeaks } from "@berth/testing";
import { Cluster, untilListed, type Replica } from "./cluster.ts";

expectNoLeaks();
const LONG = { timeout: 60_000 };

/** Records every state that a replica's row has, until the test ends. */
async function historyOf(cluster: Cluster, replica: Replica): Promise<readonly string[]> {
  const seen: string[] = [];
  const note = async () => {
    const state = await cluster.stateOf(replica);
    if (state !== undefined && seen.at(-1) !== state) seen.push(state);
  };
  const heard = await cluster.database.listen("registry_changed", () => void note());
  onTestFinished(() => heard[Symbol.dispose]());
  await note();
  return seen;
}

test("replicas that share a database list each other, and how far apart they are", LONG, async () => {
  const cluster = await Cluster.open();
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
});

test("a replica that is killed disappears for its peers", LONG, async () => {
  const cluster = await Cluster.open();
  const [a, b] = await Promise.all([cluster.start(), cluster.start()]);
  const member = await cluster.start({ CODER_REPLICA_REGISTRY_URL: `http://${a.address}` });
  await untilListed(a, [a, b, member]);
  member.program.kill("SIGKILL"); // its stream ends at a
  b.program.kill("SIGKILL"); // its own registry was all that observed it
  await untilListed(a, [a]);
  expect(await cluster.stateOf(member)).toBe("lost");
  expect(await cluster.stateOf(b)).toBe("lost");
});

test("members of a registry that is killed join another, and are never lost", LONG, async () => {
  const cluster = await Cluster.open();
  const [a, b] = await Promise.all([cluster.start(), cluster.start()]);
  const urls = `http://${a.address},http://${b.address}`;
  const member = await cluster.start({ CODER_REPLICA_REGISTRY_URL: urls });
  const owner = async () => {
    const [row] = await cluster.database.sql<{ owner: string }[]>`
      select owner_id as owner from registry.replica where id = ${member.id}`;
    return row?.owner;
  };
  const first = await owner();
  const [dying, other] = first === a.id ? [a, b] : [b, a];
  expect(first).toBe(dying.id);
  await untilListed(other, [a, b, member]);
  const history = await historyOf(cluster, member);
  dying.program.kill("SIGKILL");
  await eventually(async () => expect(await owner()).toBe(other.id));
  await untilListed(other, [other, member]);
  expect(history).toEqual(["ready"]);
});

test("a replica told to end says goodbye, and its members move without being missed", LONG, async () => {
  const cluster = await Cluster.open();
  const [a, b] = await Promise.all([cluster.start(), cluster.start()]);
  const member = await cluster.start({
    CODER_REPLICA_REGISTRY_URL: `http://${a.address},http://${b.address}`,
  });
  await untilListed(b, [a, b, member]);
  const history = await historyOf(cluster, member);
  const leaving = await historyOf(cluster, a);
  a.program.kill("SIGTERM");
  expect(await a.program.exit).toEqual({ code: 0, signal: null });
  await untilListed(b, [b, member]);
  expect(history).toEqual(["ready"]);
  expect(leaving.at(-1)).toBe("stopped");
  expect(leaving).not.toContain("lost");
});

test(
  "while Postgres is away nobody is declared anything, and afterwards all are as before",
  LONG,
  async () => {
    const cluster = await Cluster.open();
    const all = await Promise.all([cluster.start(), cluster.start()]);
    for (const replica of all) await untilListed(replica, all);
    const histories = await Promise.all(all.map((replica) => historyOf(cluster, replica)));
    cluster.postgres.refuse();
    await new Promise((resolve) => setTimeout(resolve, 6_000)); // longer than it takes for a silent registry to be dead
    for (const replica of all)
      expect((await replica.list()).map(({ id }) => id).toSorted()).toEqual(
        all.map(({ id }) => id).toSorted(),
      );
    cluster.postgres.heal();
    for (const { id } of all)
      await eventually(async () => {
        const [row] = await cluster.database.sql<{ fresh: boolean }[]>`
        select beaten_at > now() - interval '1 s' as fresh from registry.registry where id = ${id}`;
        expect(row?.fresh).toBe(true);
      });
    await new Promise((resolve) => setTimeout(resolve, 5_000)); // and longer than a watch that begins anew
    expect(histories).toEqual([["ready"], ["ready"]]);
  },
);

test("a frozen replica is missed, and is back when it wakes", LONG, async () => {
  const cluster = await Cluster.open();
  const a = await cluster.start();
  const member = await cluster.start({ CODER_REPLICA_REGISTRY_URL: `http://${a.address}` });
  await untilListed(a, [a, member]);
  member.program.kill("SIGSTOP");
  await untilListed(a, [a], 20_000);
  member.program.kill("SIGCONT");
  await untilListed(a, [a, member], 15_000);
});
