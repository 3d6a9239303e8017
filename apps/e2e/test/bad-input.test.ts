import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createClient, type ProvisionerJob, routes } from "@berth/http-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROGRAM } from "../src/berth.ts";
import { bareEnvironment } from "../src/cluster.ts";
import { Pod } from "../src/pod.ts";
import { type SingleNode, serverEnvironment, startSingleNode } from "../src/single-node.ts";
import { freePort, listen } from "../src/tcp.ts";

let node: SingleNode;
beforeAll(async () => {
  node = await startSingleNode({ CODER_PROVISIONER_DAEMONS: "1" });
}, 120_000);
afterAll(() => node[Symbol.asyncDispose](), 60_000);

/** Starts `berth server` with these variables and answers how it ended and all that it said. */
async function serverEnds(
  variables: Readonly<Record<string, string>>,
): Promise<{ code: number | null; said: string; folder: string }> {
  const folder = join(node.folder, `refused-${Math.random().toString(36).slice(2)}`);
  const environment = serverEnvironment(folder, `127.0.0.1:${await freePort()}`);
  await using pod = new Pod("server", [PROGRAM, "server"], { ...environment, ...variables });
  const code = await pod.ended();
  return { code, said: pod.output, folder };
}

async function writeTemplate(name: string, main: string): Promise<string> {
  const folder = join(node.owner.folder, name);
  await mkdir(folder);
  await writeFile(join(folder, "main.tf"), main);
  return folder;
}

/** Imports a folder by the API and answers the job as it is stored once it has ended. */
async function importJob(folder: string): Promise<ProvisionerJob> {
  const token = (await readFile(join(node.owner.folder, "config", "session"), "utf8")).trim();
  const client = createClient({ url: node.url, token });
  const { stdout: archive } = spawnSync("tar", ["-C", folder, "-cf", "-", "main.tf"]);
  const { hash } = await client.call(routes.uploadFile, { body: archive, contentType: "application/x-tar" });
  const { id } = await client.call(routes.createTemplateVersion, {
    params: { organization: "default" },
    body: { storage_method: "file", file_id: hash, provisioner: "terraform" },
  });
  const read = async () => (await client.call(routes.getTemplateVersion, { params: { version: id } })).job;
  await expect.poll(async () => (await read()).completed_at, { timeout: 30_000 }).toBeDefined();
  return read();
}

const REQUIRED = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_parameter" "size" {
  name = "size"
  type = "string"
}
`;

describe("P10: a server that cannot start says why, once, before anything is served", () => {
  test("relay URL equal to the access URL: exit 78, both variables, nothing made", async () => {
    const { code, said, folder } = await serverEnds({
      CODER_ACCESS_URL: "http://berth.example.com",
      CODER_DERP_SERVER_RELAY_URL: "http://berth.example.com/",
    });
    expect(code).toBe(78);
    expect(said).toContain("CODER_DERP_SERVER_RELAY_URL");
    expect(said).toContain("CODER_ACCESS_URL");
    expect(await readdir(join(folder, "server", "postgres")).catch(() => [])).toEqual([]);
  });

  test("unreachable Postgres: the address and the variable, never the password", async () => {
    const { code, said } = await serverEnds({
      CODER_PG_CONNECTION_URL: "postgres://berth:hunter2@127.0.0.1:1/berth",
    });
    expect(code).not.toBe(0);
    expect(said).toContain("CODER_PG_CONNECTION_URL");
    expect(said).toContain("127.0.0.1:1");
    expect(said).not.toContain("hunter2");
  }, 90_000);

  test("a port in use: the address and the variable", async () => {
    const holder = createServer();
    const port = await listen(holder);
    const { code, said } = await serverEnds({ CODER_HTTP_ADDRESS: `127.0.0.1:${port}` });
    holder.close();
    await once(holder, "close");
    expect(code).not.toBe(0);
    expect(said).toContain(`127.0.0.1:${port}`);
    expect(said).toContain("CODER_HTTP_ADDRESS");
  }, 60_000);

  test("several mistakes are said at once: exit 78", async () => {
    const { code, said } = await serverEnds({
      CODER_PROVISIONER_DAEMONS: "many",
      CODER_DRAIN_TIMEOUT: "soon",
    });
    expect(code).toBe(78);
    expect(said).toMatch(/CODER_PROVISIONER_DAEMONS[\s\S]*many/);
    expect(said).toMatch(/CODER_DRAIN_TIMEOUT[\s\S]*soon/);
  });

  test("a mistyped variable is warned about with the nearest name", async () => {
    const { said } = await serverEnds({
      CODER_PROVISIONER_DEAMONS: "0",
      CODER_PG_CONNECTION_URL: "mysql://nowhere",
    });
    expect(said).toContain("CODER_PROVISIONER_DEAMONS");
    expect(said).toContain("CODER_PROVISIONER_DAEMONS");
  });
});

describe("P10: a person who mistypes hears one clear error", () => {
  test("a template that does not parse: file, line and reason, in the CLI and stored", async () => {
    const folder = await writeTemplate("broken", `resource "terraform_data" "x" {\n  input = \n}\n`);
    const pushed = await node.owner.run("templates", "push", "broken", "--directory", folder, "--yes");
    expect(pushed.code).toBe(1);
    expect(pushed.stderr).toMatch(/main\.tf.*\b2\b/s);
    expect(pushed.stderr).toMatch(/Invalid expression/);
    expect((await node.owner.run("templates", "list")).stdout).not.toContain("broken");
    const job = await importJob(folder);
    expect(job.status).toBe("failed");
    expect(job.error).toMatch(/main\.tf.*\b2\b/s);
    expect(job.error).toMatch(/Invalid expression/);
  }, 60_000);

  test("a missing parameter: its name and how to give it", async () => {
    const folder = await writeTemplate("sized", REQUIRED);
    await node.owner.must("templates", "push", "sized", "--directory", folder, "--yes");
    const created = await node.owner.run("create", "one", "--template", "sized", "--yes");
    expect(created.code).toBe(1);
    expect(created.stderr).toContain("--parameter size=");
    expect(await node.owner.must("list", "--output", "json")).toBe("[]\n");
    await node.owner.must("create", "one", "--template", "sized", "--parameter", "size=xl", "--yes");
  }, 60_000);

  test("a name taken: said, and nothing else is made", async () => {
    const again = await node.owner.run(
      "create",
      "ONE",
      "--template",
      "sized",
      "--parameter",
      "size=s",
      "--yes",
    );
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/one.*(exists|taken)|(exists|taken).*one/is);
    expect(JSON.parse(await node.owner.must("list", "--output", "json"))).toHaveLength(1);
  });

  test("ssh to a deleted workspace", async () => {
    await node.owner.must("delete", "one", "--yes");
    const refused = await node.owner.run("ssh", "one");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^error: .+/);
  }, 60_000);

  test("an expired token: log in again", async () => {
    const token = (await node.owner.must("tokens", "create", "--lifetime", "1s")).trim();
    await expect
      .poll(async () => (await node.owner.run("whoami", "--token", token)).stderr, { timeout: 20_000 })
      .toMatch(/expired/);
    const refused = await node.owner.run("whoami", "--token", token);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("berth login");
  }, 30_000);

  test("a second daemon on a held cache directory: exit 78 and the holder's pid", async () => {
    const key = (await node.owner.must("provisioner", "keys", "create", "external")).trim();
    const environment = {
      ...bareEnvironment(node.folder),
      CODER_URL: node.url,
      CODER_PROVISIONER_DAEMON_KEY: key,
      CODER_CACHE_DIRECTORY: join(node.folder, "shared-cache"),
    };
    await using first = new Pod("first", [PROGRAM, "provisioner", "start"], environment);
    await expect
      .poll(
        async () =>
          (await node.owner.must("provisioner", "list", "--output", "json")).includes(
            `"key_name": "external"`,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    await using second = new Pod("second", [PROGRAM, "provisioner", "start"], environment);
    expect(await second.ended()).toBe(78);
    expect(second.output).toContain(String(first.pid));
    expect(second.output).toContain("CODER_CACHE_DIRECTORY");
  }, 60_000);
});
