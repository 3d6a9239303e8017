import { spawn as startProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { spawn } from "@lydell/node-pty";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROGRAM } from "../src/berth.ts";
import { bareEnvironment } from "../src/cluster.ts";
import { type SingleNode, startSingleNode } from "../src/single-node.ts";
import { freePort, listen } from "../src/tcp.ts";

describe("P1: npm start gives a working control plane", () => {
  let node: SingleNode;

  beforeAll(async () => {
    node = await startSingleNode();
  }, 120_000);
  afterAll(() => node[Symbol.asyncDispose](), 60_000);

  test("it prints where it is and what to do next", async () => {
    await node.server.says(/berth login http:\/\/127\.0\.0\.1:\d+/);
  });

  test.each(["/", "/cli-auth"])("a browser at %s meets a page", async (path) => {
    const answer = await fetch(`${node.url}${path}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
  });

  test("the starter template is pushed and a workspace of it built", async () => {
    await node.owner.must("templates", "init", "--id", "local", "local");
    await node.owner.must("templates", "push", "local", "--directory", "local", "--yes");
    await node.owner.must("create", "dev", "--template", "local", "--yes");
    expect(await node.owner.must("list")).toMatch(/owner\/dev\s+local\s+running/);
  }, 60_000);

  test("berth ssh gives a prompt in a terminal of the same size, and its exit status", async () => {
    const terminal = spawn(PROGRAM, ["ssh", "dev"], {
      cols: 91,
      rows: 31,
      cwd: node.owner.folder,
      env: {
        ...bareEnvironment(node.folder),
        CODER_CONFIG_DIR: join(node.owner.folder, "config"),
        TERM: "xterm",
      },
    });
    const screen = { text: "" };
    const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    terminal.onData((data) => (screen.text += data));
    await expect.poll(() => screen.text, { timeout: 20_000 }).toMatch(/[$#] $/);
    terminal.write("stty size\r");
    await expect.poll(() => screen.text, { timeout: 20_000 }).toMatch(/31 91/);
    terminal.resize(100, 40);
    await expect
      .poll(
        () => {
          terminal.write("stty size\r");
          return screen.text;
        },
        { timeout: 20_000, interval: 200 },
      )
      .toMatch(/40 100/);
    terminal.write("exit 5\r");
    expect(await ended).toBe(5);
  }, 60_000);

  test("berth ssh -R lets a port of the workspace lead to this computer", async () => {
    const here = createServer((socket) => socket.end("from here"));
    const port = await freePort();
    const forwarding = `${port}:127.0.0.1:${await listen(here)}`;
    const visit = `${process.execPath} -e 'net.connect(${port}, "127.0.0.1").pipe(process.stdout)'`;
    expect(await node.owner.must("ssh", "-R", forwarding, "dev", "--", visit)).toBe("from here");
    here.close();
  }, 60_000);

  test("whoever was connected to an agent that was killed hears that it was started anew", async () => {
    const client = startProcess(PROGRAM, ["ssh", "dev", "--", "echo here; cat"], {
      env: { ...bareEnvironment(node.folder), CODER_CONFIG_DIR: join(node.owner.folder, "config") },
    });
    client.stdin.on("error", () => undefined); // it may have heard already
    const said = { text: "" };
    client.stderr.on("data", (data: Buffer) => (said.text += data.toString()));
    await once(client.stdout, "data");
    await killAndRestartAgent(node.folder);
    client.stdin.write("is anybody there?\n");
    expect(await once(client, "close")).toEqual([255, null]);
    expect(said.text).toContain("was started anew");
  }, 60_000);

  test("a stopped workspace runs nothing, a started one does again", async () => {
    await node.owner.must("stop", "dev", "--yes");
    expect(await processesOfWorkspaces(node.folder)).toEqual([]);
    await node.owner.must("start", "dev", "--yes");
    expect(await node.owner.must("ssh", "dev", "--", "echo", "again")).toBe("again\n");
  }, 60_000);

  test("a deleted workspace is gone, its process and its folder too", async () => {
    const before = await readdir(join(node.folder, "data", "berth", "local"));
    await node.owner.must("delete", "dev", "--yes");
    expect(await processesOfWorkspaces(node.folder)).toEqual([]);
    expect(before.filter((id) => existsSync(join(node.folder, "data", "berth", "local", id)))).toEqual([]);
    expect((await node.owner.run("ssh", "dev")).stderr).toMatch(/^error: /);
  }, 60_000);

  test("SIGTERM ends it with exit code 0 and leaves nothing running", async () => {
    expect(await node.server.end("SIGTERM")).toEqual({ code: 0, signal: null });
    const answer = await fetch(`${node.url}/healthz`).catch(() => undefined); // nobody listens
    expect(answer).toBeUndefined();
    expect(existsSync(join(node.folder, "server", "postgres", "data", "postmaster.pid"))).toBe(false);
  }, 60_000);
});

/** Processes that carry the mark of a workspace of ours. */
async function processesOfWorkspaces(folder: string): Promise<string[]> {
  const ids = await readdir(join(folder, "data", "berth", "local"));
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map(async (pid) => ({ pid, text: await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "") })), // it has ended
  );
  return environments
    .filter(({ text }) => ids.some((id) => text.includes(`BERTH_LOCAL_WORKSPACE=${id}`)))
    .map(({ pid }) => pid);
}

/** What a supervisor does when an agent was killed for its memory. */
async function killAndRestartAgent(folder: string): Promise<void> {
  for (const pid of await processesOfWorkspaces(folder)) {
    const [command = "", ...args] = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").slice(0, -1);
    if (!args.includes("agent")) continue;
    const variables = (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)] as const;
    });
    process.kill(Number(pid), "SIGKILL");
    startProcess(command, args, {
      env: Object.fromEntries(variables),
      stdio: "ignore",
      detached: true,
    }).unref();
  }
}
