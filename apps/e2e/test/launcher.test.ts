import { once } from "node:events";
import { readFile, rm, stat } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAlive } from "../src/is-alive.ts";
import { Pod } from "../src/pod.ts";
import { makeFolder } from "../src/scene.ts";
import { serverEnvironment, START } from "../src/single-node.ts";
import { freePort } from "../src/tcp.ts";

let folder: string;
let environment: NodeJS.ProcessEnv;
beforeAll(async () => {
  folder = await makeFolder();
  const address = `127.0.0.1:${await freePort()}`;
  environment = { ...serverEnvironment(folder, address), CODER_PROVISIONER_DAEMONS: "1" };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const launch = (nodes: string, more: NodeJS.ProcessEnv = {}) =>
  new Pod("launcher", [process.execPath, START, "--nodes", nodes], { ...environment, ...more });
const clusterFile = () => join(folder, "server", "cluster.json");

describe("bad input is one clear error, code 78, and nothing is started", () => {
  test.each(["0", "x", "2.5", "10"])("--nodes %s", async (nodes) => {
    await using launcher = launch(nodes);
    expect(await launcher.ended()).toBe(78);
    expect(launcher.output).toBe("error: --nodes takes a number from 1 to 9, such as --nodes 3");
  });

  test("a port in use, and no port", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    await using busy = launch("1", { CODER_HTTP_ADDRESS: address });
    expect(await busy.ended()).toBe(78);
    expect(busy.output).toMatch(/^error: CODER_HTTP_ADDRESS is "127.0.0.1:\d+": somebody listens there/);
    taken.close();
    await using none = launch("1", { CODER_HTTP_ADDRESS: "localhost" });
    expect(await none.ended()).toBe(78);
    expect(none.output).toBe(
      'error: CODER_HTTP_ADDRESS is "localhost": write host:port, such as 127.0.0.1:3000',
    );
    await expect(stat(join(folder, "server"))).rejects.toThrow("ENOENT");
  });
});

test("a launcher that was killed has left its nodes: the next one ends them, and ends with all it started", async () => {
  await using killed = launch("1");
  await killed.says(/Berth is ready/);
  expect((await stat(clusterFile())).mode & 0o777).toBe(0o600);
  const { balancer, nodes } = JSON.parse(await readFile(clusterFile(), "utf8")) as {
    balancer: { pid: number };
    nodes: { pid: number }[];
  };
  const left = nodes.map(({ pid }) => pid);
  await using second = launch("1", { CODER_HTTP_ADDRESS: `127.0.0.1:${await freePort()}` });
  expect(await second.ended()).toBe(1);
  expect(second.output).toMatch(/^error: the cluster in .* runs: end its launcher first/);
  process.kill(killed.pid, "SIGKILL"); // its output stays open: the node has it
  await expect.poll(() => isAlive(balancer.pid), { timeout: 10_000 }).toBe(false);
  expect(left.every(isAlive)).toBe(true);
  await using next = launch("1");
  await next.says(/node-1 +pid \d+ was left behind: it is ended/);
  await next.says(/Berth is ready/);
  expect(left.some(isAlive)).toBe(false);
  const started = [...next.output.matchAll(/^\S+ +pid (\d+) {2}|^postgres +pid (\d+)$/gm)].map(
    ([, pid, postgres]) => Number(pid ?? postgres),
  );
  expect(started).toHaveLength(3);
  expect((await next.end("SIGTERM")).code).toBe(0);
  expect(started.filter(isAlive)).toEqual([]);
  await expect(stat(clusterFile())).rejects.toThrow("ENOENT");
}, 180_000);
