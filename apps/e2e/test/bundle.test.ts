import { spawn } from "node:child_process";
import { join } from "node:path";
import { version } from "@berth/std";
import { afterAll, beforeAll, expect, test } from "vitest";
import { outcomeOf } from "../src/berth.ts";
import { bundleProgram } from "../src/bundle.ts";
import { bareEnvironment } from "../src/cluster.ts";
import { type SingleNode, startSingleNode } from "../src/single-node.ts";

let node: SingleNode;
let program: string;

beforeAll(async () => {
  node = await startSingleNode({ CODER_PROVISIONER_DAEMONS: "1" });
  program = await bundleProgram(node.folder);
}, 120_000);
afterAll(() => node[Symbol.asyncDispose](), 60_000);

const environment = (folder: string) => ({ ...bareEnvironment(node.folder), CODER_CONFIG_DIR: folder });
const run = (folder: string, ...args: string[]) =>
  outcomeOf(spawn(process.execPath, [program, ...args], { env: environment(folder) }));

test("one CJS file prints the version, and nothing on stderr", async () => {
  const outcome = await run(join(node.folder, "nobody"), "version", "--output", "json");
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(outcome.stdout)).toMatchObject({ version });
});

test("a person who is not logged in hears how to", async () => {
  const outcome = await run(join(node.folder, "nobody"), "ssh", "--stdio", "dev");
  expect(outcome).toEqual({
    code: 1,
    stdout: "",
    stderr: "error: you are not logged in: run `berth login <url>`\n",
  });
});

test("ssh --stdio from it carries OpenSSH, and nothing is on stderr", async () => {
  await node.owner.must("templates", "init", "--id", "local", "local");
  await node.owner.must("templates", "push", "local", "--directory", "local", "--yes");
  await node.owner.must("create", "dev", "--template", "local", "--yes");
  const proxy = `${process.execPath} ${program} ssh --stdio %h`;
  const accepting = [
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
  ];
  const ssh = spawn(
    "ssh",
    ["-F", "none", ...accepting, "-o", `ProxyCommand=${proxy}`, "dev", "echo through the bundle"],
    {
      env: environment(join(node.owner.folder, "config")),
    },
  );
  expect(await outcomeOf(ssh)).toEqual({ code: 0, stdout: "through the bundle\n", stderr: "" });
}, 60_000);
