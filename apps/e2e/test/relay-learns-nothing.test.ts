import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { outcomeOf } from "../src/berth.ts";
import { type SingleNode, startSingleNode } from "../src/single-node.ts";
import { type SteeringBalancer, startSteeringBalancer } from "../src/steering-balancer.ts";

let recorder: SteeringBalancer;
let node: SingleNode;
const recorded: Buffer[] = [];

beforeAll(async () => {
  recorder = await startSteeringBalancer();
  recorder.record((bytes) => recorded.push(bytes));
  node = await startSingleNode({ CODER_ACCESS_URL: recorder.url }, (url) => recorder.steer(url));
  await node.owner.must("templates", "init", "--id", "local", "local");
  await node.owner.must("templates", "push", "local", "--directory", "local", "--yes");
  await node.owner.must("create", "dev", "--template", "local", "--yes");
  await node.owner.must("config-ssh", "--ssh-config-file", node.owner.sshConfig, "--yes");
}, 120_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await recorder[Symbol.asyncDispose]();
}, 60_000);

test("the relay learns nothing: no plain text of a session passes it, in either direction", async () => {
  const [up, down] = [randomBytes(24).toString("hex"), randomBytes(24).toString("hex")];
  const shell = node.owner.openSsh("ssh", "coder.dev", `read word; [ "$word" = ${up} ] && echo ${down}`);
  shell.stdin.write(`${up}\n`);
  expect(await outcomeOf(shell)).toMatchObject({ code: 0, stdout: `${down}\n` });
  const all = Buffer.concat(recorded);
  expect(all.includes("Upgrade: DERP"), "the recording holds the relay's traffic").toBe(true);
  for (const secret of [up, down, "SSH-2.0-"]) expect(all.includes(secret), secret).toBe(false);
});
