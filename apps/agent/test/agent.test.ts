import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { kill as signal } from "node:process";
import { expect, test } from "vitest";
import { agent as wire, durationFromMs } from "@berth/contract";
import { CodedError } from "@berth/std";
import { eventually, recordedLog, temporaryFolder } from "@berth/testing";
import { Agent, type AgentEnd } from "../src/agent.ts";
import { manifestOf, PlanePeer, scriptOf, TOKEN } from "./plane-peer.ts";

/** An agent and the plane that it serves, until disposed. */
async function started(fields: Partial<wire.Manifest>) {
  const folder = await temporaryFolder();
  const peer = await PlanePeer.start({ manifest: manifestOf({ agentId: randomUUID(), ...fields }) });
  const ending = new AbortController();
  const agent = new Agent({
    url: new URL(peer.url),
    token: TOKEN,
    logFolder: folder.path,
    inherited: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: folder.path },
    ownCommand: ["/bin/echo", "own"],
    log: recordedLog(),
    signal: ending.signal,
  });
  const ended = agent.run();
  return {
    peer,
    folder: folder.path,
    tellToEnd: () => ending.abort(),
    ended,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await ended;
      await peer[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const reaches = (peer: PlanePeer, state: string) =>
  eventually(() => expect(peer.lifecycle.at(-1)).toBe(`LIFECYCLE_STATE_${state}`), { withinMs: 20_000 });

const lives = (pid: number): boolean => {
  try {
    return signal(pid, 0);
  } catch {
    return false;
  }
};

/** The process ids that a script has said in its first line. */
const pidsOf = (peer: PlanePeer, source: string): Promise<number[]> =>
  eventually(
    () => {
      const [line] = peer.lines(source);
      if (line === undefined) throw new Error("no line yet");
      return line.split(" ").map(Number);
    },
    { withinMs: 20_000 },
  );

test.concurrent(
  "start scripts run in the workspace's directory and environment, their lines in order, and the agent is ready",
  async ({ expect }) => {
    const one = scriptOf(
      'echo "$CODER $CODER_WORKSPACE_NAME $GREETING $PWD"; for i in $(seq 1 500); do echo "line $i"; done; echo oops >&2',
      { logPath: "one.log" },
    );
    await using host = await started({
      directory: "~/made/for-me",
      environment: { GREETING: "hello ${CODER_WORKSPACE_AGENT_NAME}" },
      scripts: [one],
    });
    const { peer, folder } = host;
    await reaches(peer, "READY");
    const made = join(folder, "made/for-me");
    const wanted = [
      `true dev hello main ${made}`,
      ...Array.from({ length: 500 }, (_, at) => `line ${at + 1}`),
    ];
    expect(peer.lines(one.logSourceId).filter((line) => line !== "oops")).toEqual(wanted);
    expect(peer.lines(one.logSourceId)).toContain("oops");
    expect(peer.lifecycle).toEqual(["LIFECYCLE_STATE_STARTING", "LIFECYCLE_STATE_READY"]);
    const kinds = peer.messages.map(({ $case }) => $case);
    expect(kinds.indexOf("scriptCompleted")).toBeGreaterThan(kinds.lastIndexOf("logs"));
    expect(peer.messages.find(({ $case }) => $case === "workingDirectory")).toMatchObject({
      value: { expandedDirectory: made },
    });
    expect(await readFile(join(folder, "one.log"), "utf8")).toContain("line 500\n");
  },
);

// by itself: a process that another test forks just then would hold the program's file open, and it could not be run
test("a script with an interpreter is given to it, and this program is on the path under both its names", async ({
  expect,
}) => {
  const perl = scriptOf('#!/usr/bin/env perl\nprint "from perl\\n";');
  const own = scriptOf("coder one 'two words'; berth three");
  await using host = await started({ scripts: [perl, own] });
  await reaches(host.peer, "READY");
  expect(host.peer.lines(perl.logSourceId)).toEqual(["from perl"]);
  expect(host.peer.lines(own.logSourceId)).toEqual(["own one two words", "own three"]);
});

test.concurrent(
  "a failing script and one that takes too long are said in the lifecycle",
  async ({ expect }) => {
    const failing = scriptOf("exit 3");
    const slow = scriptOf("sleep 100 & wait", { timeout: durationFromMs(200) });
    await using host = await started({ scripts: [failing, slow] });
    await reaches(host.peer, "START_TIMEOUT");
    const done = host.peer.messages.flatMap((m) => (m.$case === "scriptCompleted" ? [m.value] : []));
    expect(done.find(({ scriptId }) => scriptId === failing.id)).toMatchObject({
      exitCode: 3,
      timedOut: false,
    });
    expect(done.find(({ scriptId }) => scriptId === slow.id)).toMatchObject({ timedOut: true });
  },
);

test.concurrent("a script that may take forty days is given them", async ({ expect }) => {
  const patient = scriptOf("sleep 0.1", { timeout: durationFromMs(40 * 86_400_000) });
  await using host = await started({ scripts: [patient] });
  await eventually(() => expect(host.peer.lifecycle).toHaveLength(2));
  expect(host.peer.lifecycle.at(-1)).toMatch(/READY$/);
});

test.concurrent(
  "told to end, it runs its stop scripts, says off, and leaves no process, not even one that left its group",
  async ({ expect }) => {
    const start = scriptOf("setsid sleep 1000 > /dev/null 2>&1 & echo $!");
    const stop = scriptOf("echo stopping", { runOnStart: false, runOnStop: true });
    await using host = await started({ scripts: [start, stop] });
    await reaches(host.peer, "READY");
    const pids = await pidsOf(host.peer, start.logSourceId);
    host.tellToEnd();
    expect(await host.ended).toBe<AgentEnd>("told");
    expect(host.peer.lines(stop.logSourceId)).toEqual(["stopping"]);
    expect(host.peer.lifecycle.slice(-2)).toEqual(["LIFECYCLE_STATE_SHUTTING_DOWN", "LIFECYCLE_STATE_OFF"]);
    for (const pid of pids) await eventually(() => expect(lives(pid)).toBe(false));
  },
);

test.concurrent(
  "a process that was superseded ends its own and leaves the stop scripts to the other",
  async ({ expect }) => {
    const start = scriptOf("sleep 1000 & echo $$ $!; wait");
    const stop = scriptOf("echo stopping", { runOnStart: false, runOnStop: true });
    await using host = await started({ scripts: [start, stop] });
    const pids = await pidsOf(host.peer, start.logSourceId);
    const stream = await host.peer.stream();
    stream.send({ $case: "superseded", value: { byIncarnation: stream.hello.incarnation } });
    expect(await host.ended).toBe<AgentEnd>("superseded");
    for (const pid of pids) await eventually(() => expect(lives(pid)).toBe(false));
    expect(host.peer.lines(stop.logSourceId)).toEqual([]);
  },
);

test.concurrent("a line that breaks while a script runs loses and repeats nothing", async ({ expect }) => {
  const start = scriptOf("for i in $(seq 1 60); do echo $i; sleep 0.02; done");
  await using host = await started({ scripts: [start] });
  await eventually(() => expect(host.peer.lines(start.logSourceId).length).toBeGreaterThan(5), {
    withinMs: 20_000,
  });
  (await host.peer.stream()).fail(new CodedError("unavailable", "the replica dies"));
  await reaches(host.peer, "READY");
  expect(host.peer.lines(start.logSourceId)).toEqual(Array.from({ length: 60 }, (_, at) => String(at + 1)));
});

test.concurrent(
  "a newer manifest changes the environment and does not run the start scripts again",
  async ({ expect }) => {
    const start = scriptOf("echo started");
    const first = { scripts: [start] };
    await using host = await started(first);
    await reaches(host.peer, "READY");
    const stream = await host.peer.stream();
    const metadata = [{ ...wire.AgentMetadata.create({ key: "seen", script: "echo $LATER" }) }];
    const value = manifestOf({ ...first, metadata, environment: { LATER: "yes" } });
    stream.send({ $case: "manifest", value });
    const results = () => host.peer.messages.flatMap((m) => (m.$case === "metadata" ? m.value.results : []));
    await eventually(() => expect(results()).toMatchObject([{ key: "seen", value: "yes" }]));
    expect(host.peer.lines(start.logSourceId)).toEqual(["started"]);
  },
);

test.concurrent("metadata is measured, and what fails or takes too long says so", async ({ expect }) => {
  const item = (key: string, script: string) => ({
    key,
    displayName: key,
    script,
    interval: durationFromMs(60_000),
    timeout: durationFromMs(500),
  });
  const metadata = [item("load", "echo 0.42"), item("bad", "echo no >&2; exit 1"), item("slow", "sleep 100")];
  await using host = await started({ metadata });
  const results = () => host.peer.messages.flatMap((m) => (m.$case === "metadata" ? m.value.results : []));
  await eventually(() => expect(results()).toHaveLength(3), { withinMs: 20_000 });
  const of = (key: string) => results().find((result) => result.key === key);
  expect(of("load")).toMatchObject({ value: "0.42", error: "" });
  expect(of("bad")).toMatchObject({ value: "", error: "no" });
  expect(of("slow")?.error).toContain("500 ms");
});
