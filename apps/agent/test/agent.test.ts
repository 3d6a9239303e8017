import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { kill as signal } from "node:process";
import { expect, test } from "vitest";
import { durationFromMs } from "@berth/contract";
import { CodedError } from "@berth/std";
import { eventually, type Program, spawnProgram, temporaryFolder } from "@berth/testing";
import { manifestOf, PlanePeer, scriptOf, TOKEN } from "./plane-peer.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");

function startAgent(url: string, folder: string): Program {
  return spawnProgram([process.execPath, MAIN], {
    cwd: folder,
    env: { CODER_AGENT_URL: url, CODER_AGENT_TOKEN: TOKEN, HOME: folder, CODER_AGENT_LOG_DIR: undefined },
  });
}

const lives = (pid: number): boolean => {
  try {
    return signal(pid, 0);
  } catch {
    return false;
  }
};

test("start scripts run in the workspace's directory and environment, their lines in order, and the agent is ready", async () => {
  await using folder = await temporaryFolder();
  const one = scriptOf(
    'echo "$CODER $CODER_WORKSPACE_NAME $GREETING $PWD"; for i in $(seq 1 500); do echo "line $i"; done; echo oops >&2',
    { logPath: "one.log" },
  );
  const manifest = manifestOf({
    directory: "~/made/for-me",
    environment: { GREETING: "hello ${CODER_WORKSPACE_AGENT_NAME}" },
    scripts: [one],
  });
  await using peer = await PlanePeer.start({ manifest });
  await using agent = startAgent(peer.url, folder.path);
  await eventually(() => expect(peer.lifecycle.at(-1)).toBe("LIFECYCLE_STATE_READY"), { withinMs: 20_000 });
  const made = join(folder.path, "made/for-me");
  const wanted = [`true dev hello main ${made}`, ...Array.from({ length: 500 }, (_, at) => `line ${at + 1}`)];
  expect(peer.lines(one.logSourceId).filter((line) => line !== "oops")).toEqual(wanted);
  expect(peer.lines(one.logSourceId)).toContain("oops");
  expect(peer.lifecycle).toEqual(["LIFECYCLE_STATE_STARTING", "LIFECYCLE_STATE_READY"]);
  const kinds = peer.messages.map(({ $case }) => $case);
  expect(kinds.indexOf("scriptCompleted")).toBeGreaterThan(kinds.lastIndexOf("logs"));
  expect(peer.messages.find(({ $case }) => $case === "workingDirectory")).toMatchObject({
    value: { expandedDirectory: made },
  });
  expect(await readFile(join(folder.path, "one.log"), "utf8")).toContain("line 500\n");
  agent.kill("SIGTERM");
  expect((await agent.exit).code).toBe(0);
});

test("a failing script and one that takes too long are said in the lifecycle", async () => {
  await using folder = await temporaryFolder();
  const failing = scriptOf("exit 3");
  const slow = scriptOf("sleep 100 & wait", { timeout: durationFromMs(200) });
  await using peer = await PlanePeer.start({ manifest: manifestOf({ scripts: [failing, slow] }) });
  await using _ = startAgent(peer.url, folder.path);
  await eventually(() => expect(peer.lifecycle.at(-1)).toBe("LIFECYCLE_STATE_START_TIMEOUT"), {
    withinMs: 20_000,
  });
  const done = peer.messages.flatMap((m) => (m.$case === "scriptCompleted" ? [m.value] : []));
  expect(done.find(({ scriptId }) => scriptId === failing.id)).toMatchObject({
    exitCode: 3,
    timedOut: false,
  });
  expect(done.find(({ scriptId }) => scriptId === slow.id)).toMatchObject({ timedOut: true });
});

test("told to end, it runs its stop scripts, says off, and leaves no process", async () => {
  await using folder = await temporaryFolder();
  const start = scriptOf("nohup setsid sleep 1000 > /dev/null 2>&1 & echo $!; sleep 0.1");
  const stop = scriptOf("echo stopping", { runOnStart: false, runOnStop: true });
  await using peer = await PlanePeer.start({ manifest: manifestOf({ scripts: [start, stop] }) });
  await using agent = startAgent(peer.url, folder.path);
  await eventually(() => expect(peer.lifecycle.at(-1)).toBe("LIFECYCLE_STATE_READY"), { withinMs: 20_000 });
  agent.kill("SIGTERM");
  expect((await agent.exit).code).toBe(0);
  expect(peer.lines(stop.logSourceId)).toEqual(["stopping"]);
  expect(peer.lifecycle.slice(-2)).toEqual(["LIFECYCLE_STATE_SHUTTING_DOWN", "LIFECYCLE_STATE_OFF"]);
  await eventually(() => expect(lives(Number(peer.lines(start.logSourceId)[0]))).toBe(false));
});

test("a revoked token ends the agent and what it started, at exit code 0", async () => {
  await using folder = await temporaryFolder();
  const start = scriptOf("sleep 1000 & echo $$ $!; wait");
  await using peer = await PlanePeer.start({ manifest: manifestOf({ scripts: [start] }) });
  await using agent = startAgent(peer.url, folder.path);
  const pids = await eventually(
    () => {
      const [line] = peer.lines(start.logSourceId);
      if (line === undefined) throw new Error("no line yet");
      return line.split(" ").map(Number);
    },
    { withinMs: 20_000 },
  );
  (await peer.stream()).fail(new CodedError("unauthenticated", "token_revoked: the workspace was deleted"));
  expect((await agent.exit).code).toBe(0);
  for (const pid of pids) await eventually(() => expect(lives(pid)).toBe(false));
});

test("a line that breaks while a script runs loses and repeats nothing", async () => {
  await using folder = await temporaryFolder();
  const start = scriptOf("for i in $(seq 1 60); do echo $i; sleep 0.02; done");
  await using peer = await PlanePeer.start({ manifest: manifestOf({ scripts: [start] }) });
  await using _ = startAgent(peer.url, folder.path);
  await eventually(() => expect(peer.lines(start.logSourceId).length).toBeGreaterThan(5), {
    withinMs: 20_000,
  });
  (await peer.stream()).fail(new CodedError("unavailable", "the replica dies"));
  await eventually(() => expect(peer.lifecycle.at(-1)).toBe("LIFECYCLE_STATE_READY"), { withinMs: 20_000 });
  expect(peer.lines(start.logSourceId)).toEqual(Array.from({ length: 60 }, (_, at) => String(at + 1)));
});

test("metadata is measured, cut off and timed out", async () => {
  await using folder = await temporaryFolder();
  const item = (key: string, script: string) => ({
    key,
    displayName: key,
    script,
    interval: durationFromMs(60_000),
    timeout: durationFromMs(500),
  });
  const metadata = [item("load", "echo 0.42"), item("bad", "echo no >&2; exit 1"), item("slow", "sleep 100")];
  await using peer = await PlanePeer.start({ manifest: manifestOf({ metadata }) });
  await using _ = startAgent(peer.url, folder.path);
  const results = () => peer.messages.flatMap((m) => (m.$case === "metadata" ? m.value.results : []));
  await eventually(() => expect(results()).toHaveLength(3), { withinMs: 20_000 });
  const of = (key: string) => results().find((result) => result.key === key);
  expect(of("load")).toMatchObject({ value: "0.42", error: "" });
  expect(of("bad")).toMatchObject({ value: "", error: "no" });
  expect(of("slow")?.error).toContain("500 ms");
});

test("a wrong URL and a missing token are both said at once, with exit code 78", async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, "x"));
  await using agent = spawnProgram([process.execPath, MAIN], {
    cwd: folder.path,
    env: { CODER_AGENT_URL: "nonsense", CODER_AGENT_TOKEN: undefined },
  });
  expect((await agent.exit).code).toBe(78);
  expect(agent.tail()).toContain("CODER_AGENT_URL");
  expect(agent.tail()).toContain("CODER_AGENT_TOKEN");
});
