import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { kill as signal } from "node:process";
import { expect, test } from "vitest";
import { CodedError } from "@berth/std";
import { eventually, spawnProgram, temporaryFolder } from "@berth/testing";
import { manifestOf, PlanePeer, scriptOf, TOKEN } from "./plane-peer.ts";

const MAIN = [process.execPath, join(import.meta.dirname, "../src/main.ts")];

const lives = (pid: number): boolean => {
  try {
    return signal(pid, 0);
  } catch {
    return false;
  }
};

test("a revoked token ends the process and what it started, at exit code 0", async () => {
  await using folder = await temporaryFolder();
  const start = scriptOf("sleep 1000 & echo $$ $!; wait");
  await using peer = await PlanePeer.start({ manifest: manifestOf({ scripts: [start] }) });
  await using agent = spawnProgram(MAIN, {
    cwd: folder.path,
    env: { CODER_AGENT_URL: peer.url, CODER_AGENT_TOKEN: TOKEN, HOME: folder.path, TMPDIR: folder.path },
  });
  await eventually(() => expect(peer.lines(start.logSourceId)).toHaveLength(1), { withinMs: 20_000 });
  (await peer.stream()).fail(new CodedError("unauthenticated", "token_revoked: the workspace was deleted"));
  expect((await agent.exit).code, agent.tail()).toBe(0);
  for (const pid of peer.lines(start.logSourceId)[0]!.split(" ").map(Number))
    await eventually(() => expect(lives(pid)).toBe(false));
});

test("a wrong URL and a missing token are both said at once, with exit code 78", async () => {
  await using agent = spawnProgram(MAIN, {
    env: { CODER_AGENT_URL: "nonsense", CODER_AGENT_TOKEN: undefined },
  });
  expect((await agent.exit).code).toBe(78);
  expect(agent.tail()).toContain("CODER_AGENT_URL");
  expect(agent.tail()).toContain("CODER_AGENT_TOKEN");
});

test("a detached agent says its pid at once, outlives whoever started it, and logs into its folder", async () => {
  await using folder = await temporaryFolder();
  await using peer = await PlanePeer.start({ manifest: manifestOf() });
  await using starter = spawnProgram([...MAIN, "--detach"], {
    cwd: folder.path,
    env: { CODER_AGENT_URL: peer.url, CODER_AGENT_TOKEN: TOKEN, HOME: folder.path, TMPDIR: folder.path },
  });
  expect((await starter.exit).code, starter.tail()).toBe(0);
  const pid = Number(starter.lines[0]);
  starter.killGroup("SIGKILL"); // as a Terraform that is killed with all it has started
  const stream = await peer.stream();
  await eventually(() => expect(peer.lifecycle.at(-1)).toBe("LIFECYCLE_STATE_READY"));
  expect(lives(pid)).toBe(true);
  expect(await readFile(join(folder.path, "coder-agent.log"), "utf8")).toContain("is up");
  stream.fail(new CodedError("unauthenticated", "token_revoked: the workspace was deleted"));
  await eventually(() => expect(lives(pid)).toBe(false));
});
