import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PROGRAM } from "../src/berth.ts";
import { bareEnvironment } from "../src/cluster.ts";
import { Pod } from "../src/pod.ts";
import { type SingleNode, startSingleNode } from "../src/single-node.ts";
import { TextStream } from "../src/text-stream.ts";

let node: SingleNode;
let key: string;

beforeAll(async () => {
  node = await startSingleNode({ CODER_PROVISIONER_DAEMONS: "0" });
  key = (await node.owner.must("provisioner", "keys", "create", "signals")).trim();
}, 120_000);
afterAll(() => node[Symbol.asyncDispose](), 60_000);

/** An external daemon, with a cloud's credentials in its environment. */
function startDaemon(): Pod {
  return new Pod("daemon", [PROGRAM, "provisioner", "start"], {
    ...bareEnvironment(node.folder),
    CODER_URL: node.url,
    CODER_PROVISIONER_DAEMON_KEY: key,
    CODER_CACHE_DIRECTORY: join(node.folder, "daemon-cache"),
    CODER_PROVISIONER_FORCE_CANCEL_INTERVAL: "10s",
    AWS_REGION: "eu-north-7",
    DB_PASSWORD: "hunter2",
  });
}

/** One resource that is made at once and one that waits for a file; what is destroyed leaves a mark. */
function template(place: string): string {
  return `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
resource "terraform_data" "made" {
  input = "${place}"
  provisioner "local-exec" {
    command = "env > ${place}/env; touch ${place}/made"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "touch \${self.input}/destroyed"
  }
}
resource "terraform_data" "being_made" {
  input = terraform_data.made.id
  provisioner "local-exec" {
    command = "echo being made; until [ -e ${place}/go ]; do sleep 0.1; done"
  }
}
`;
}

/** Starts a build and waits until one resource is made and the other is being made. */
async function startBuild(
  name: string,
): Promise<{ place: string; log: TextStream; follower: ReturnType<SingleNode["owner"]["start"]> }> {
  const place = join(node.folder, name);
  await mkdir(place);
  await mkdir(join(node.owner.folder, name));
  await writeFile(join(node.owner.folder, name, "main.tf"), template(place));
  await node.owner.must("templates", "push", name, "--directory", name, "--yes");
  await node.owner.must("create", name, "--template", name, "--yes", "--no-wait");
  const follower = node.owner.start("logs", "-f", name);
  const log = new TextStream(follower.stdout);
  await log.until(/being made/);
  expect(existsSync(join(place, "made"))).toBe(true);
  return { place, log, follower };
}

const statusOf = async (name: string) => {
  const shown = JSON.parse(await node.owner.must("show", name, "--output", "json")) as {
    latest_build: { status: string; job: { error?: string } };
  };
  return shown.latest_build;
};

test("P5: SIGHUP during an apply: the daemon finishes the build and exits 0", async () => {
  await using daemon = startDaemon();
  const { place } = await startBuild("hup");
  const ended = daemon.end("SIGHUP");
  await expect.poll(() => daemon.output, { timeout: 10_000 }).toMatch(/SIGHUP/);
  await writeFile(join(place, "go"), "");
  expect(await ended).toEqual({ code: 0, signal: null });
  expect((await statusOf("hup")).status).toBe("running");
}, 90_000);

test("a Terraform child sees no secret of ours and does see the cloud's", async () => {
  const environment = await readFile(join(node.folder, "hup", "env"), "utf8");
  expect(environment).toContain("AWS_REGION=eu-north-7");
  expect(environment).not.toContain(key);
  expect(environment).not.toMatch(/^(CODER_PROVISIONER|CODER_URL|DB_)/m);
});

test("P5: SIGINT during an apply: the build fails, the state is kept, delete removes what was created", async () => {
  const daemon = startDaemon();
  const { place, follower } = await startBuild("int");
  expect(await daemon.end("SIGINT")).toEqual({ code: 0, signal: null });
  follower.kill();
  const failed = await statusOf("int");
  expect(failed.status).toBe("failed");
  expect(failed.job.error).toMatch(/SIGINT|interrupt|cancel/i);
  expect(existsSync(join(place, "destroyed"))).toBe(false);
  await using _ = startDaemon();
  await node.owner.must("delete", "int", "--yes");
  expect(existsSync(join(place, "destroyed"))).toBe(true);
}, 90_000);
