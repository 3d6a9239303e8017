import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Pod } from "../src/pod.ts";
import { serverEnvironment, type SingleNode, startSingleNode } from "../src/single-node.ts";

const DEV = resolve(import.meta.dirname, "../../../tools/dev.ts");

let node: SingleNode;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  node = await startSingleNode();
  environment = serverEnvironment(node.folder, new URL(node.url).host);
}, 120_000);
afterAll(() => node[Symbol.asyncDispose](), 60_000);

const replicas = async () =>
  (JSON.parse(await node.owner.must("replicas", "--output", "json")) as { services: string[] }[]).map(
    ({ services }) => services.join(" "),
  );

test("npm run dev runs one service from source beside a running server, and takes it away again", async () => {
  await using dev = new Pod("dev", [process.execPath, DEV, "relay-mesh"], environment);
  await dev.says(/^relay-mesh on http:/);
  await expect.poll(replicas, { timeout: 30_000, interval: 500 }).toContain("relay-mesh");
  await dev.end("SIGINT");
  await expect.poll(replicas, { timeout: 30_000, interval: 500 }).not.toContain("relay-mesh");
}, 90_000);

test("where nothing runs, or what ran was killed, it says what to start", async () => {
  const empty = { ...environment, CODER_CONFIG_DIR: join(node.folder, "nowhere") };
  await using lonely = new Pod("dev", [process.execPath, DEV, "api"], empty);
  await lonely.says(/^error: nothing runs in .*nowhere: start the rest with `npm start`/);
  await using unknown = new Pod("dev", [process.execPath, DEV, "apy"], environment);
  await unknown.says(/^error: say which service: npm run dev .*api/);
  await mkdir(empty.CODER_CONFIG_DIR);
  await writeFile(join(empty.CODER_CONFIG_DIR, "server.json"), JSON.stringify({ pid: lonely.pid })); // gone by now
  await using late = new Pod("dev", [process.execPath, DEV, "api"], empty);
  await late.says(/^error: nothing runs in /);
}, 60_000);
