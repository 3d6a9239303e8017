import { expect, test } from "vitest";
import { eventually, expectNoLeaks, FaultyProxy } from "@berth/testing";
import { Cluster, type TestContext, untilListed } from "./cluster.ts";

expectNoLeaks();
const LONG = { timeout: 60_000 };

async function proxyTo(context: TestContext, port: number): Promise<FaultyProxy> {
  const proxy = await FaultyProxy.start({ host: "127.0.0.1", port });
  context.onTestFinished(() => proxy[Symbol.asyncDispose]());
  return proxy;
}

test.concurrent("a member of a registry that falls silent joins another", LONG, async (context) => {
  const cluster = await Cluster.open(context);
  const [a, b] = await Promise.all([cluster.start(), cluster.start()]);
  const between = await proxyTo(context, Number(a.address.split(":")[1]));
  const member = await cluster.start({ CODER_REPLICA_REGISTRY_URL: `http://127.0.0.1:${between.port}` });
  await untilListed(b, [a, b, member]);
  const history = await cluster.historyOf(member);
  between.silence();
  between.aim({ host: "127.0.0.1", port: Number(b.address.split(":")[1]) });
  await eventually(async () => expect(await cluster.ownerOf(member)).toBe(b.id), { withinMs: 20_000 });
  await untilListed(b, [a, b, member]);
  expect(await history()).toEqual(["ready"]);
});

test.concurrent(
  "while Postgres is away nobody is declared anything, and afterwards all are as before",
  LONG,
  async (context) => {
    const cluster = await Cluster.open(context);
    const all = await Promise.all([cluster.start(), cluster.start()]);
    for (const replica of all) await untilListed(replica, all);
    const histories = await Promise.all(all.map((replica) => cluster.historyOf(replica)));
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
    for (const history of histories) expect(await history()).toEqual(["ready"]);
  },
);

test.concurrent(
  "a registry that is cut off from Postgres alone is unobserved with its members, and never lost",
  LONG,
  async (context) => {
    const cluster = await Cluster.open(context);
    const between = await proxyTo(context, cluster.postgres.port);
    const other = await cluster.start();
    const cutOff = await cluster.start({ CODER_PG_CONNECTION_URL: between.through(cluster.url) });
    const member = await cluster.start({ CODER_REPLICA_REGISTRY_URL: `http://${cutOff.address}` });
    await untilListed(other, [other, cutOff, member]);
    const histories = await Promise.all([cutOff, member].map((replica) => cluster.historyOf(replica)));
    between.refuse();
    for (const history of histories)
      await eventually(async () => expect(await history()).toEqual(["ready", "unobserved"]), {
        withinMs: 20_000,
      });
    between.heal();
    for (const history of histories)
      await eventually(async () => expect(await history()).toEqual(["ready", "unobserved", "ready"]), {
        withinMs: 20_000,
      });
    await untilListed(other, [other, cutOff, member]);
  },
);

test.concurrent("a frozen replica is missed, and is back when it wakes", LONG, async (context) => {
  const cluster = await Cluster.open(context);
  const a = await cluster.start();
  const member = await cluster.start({ CODER_REPLICA_REGISTRY_URL: `http://${a.address}` });
  await untilListed(a, [a, member]);
  member.program.kill("SIGSTOP");
  await untilListed(a, [a], 20_000);
  member.program.kill("SIGCONT");
  await untilListed(a, [a, member], 15_000);
});
