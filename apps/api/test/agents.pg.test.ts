import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agent } from "@berth/contract";
import { generateKeyPair, verifyTicket } from "@berth/tunnel";
import { eventually } from "@berth/testing";
import { endSessions } from "../src/agents/end-sessions.ts";
import { agentStatus, type AgentTimes } from "../src/agents/status.ts";
import { issueSessionTicket } from "../src/agents/tickets.ts";
import { readAgentLog } from "../src/logs/agent-log.ts";
import { AgentLine, newAgentProcess } from "./edge/agent.ts";
import { agentOf, buildResult, newDaemon, script, snapshot, takeJob } from "./edge/daemon.ts";
import { startDeployment, type Deployment, type Replica } from "./edge/deployment.ts";
import { makeWorld, postBuild, readJob, type World } from "./edge/world.ts";

let deployment: Deployment;
let one: Replica;
let two: Replica;

beforeAll(async () => {
  deployment = await startDeployment();
  one = await deployment.startReplica();
  two = await deployment.startReplica();
});
afterAll(() => deployment[Symbol.asyncDispose]());

interface Built {
  readonly world: World;
  readonly agentId: string;
  readonly token: string;
}

/** Runs a build of the world's workspace to its end. */
async function build(
  world: World,
  transition: string,
  agents: Parameters<typeof buildResult>[0],
  serial: number,
) {
  const { jobId } = await postBuild(deployment.database, one.edge.hints, world, { transition });
  const { run, line } = await takeJob(one, newDaemon());
  await run.acknowledged(run.say(buildResult(agents, snapshot(serial, "lineage", true))));
  expect(await readJob(deployment.database, jobId)).toMatchObject({ error: null });
  for (const open of [run, line]) open.cancel();
}

async function workspaceWithAgent(): Promise<Built> {
  const world = await makeWorld(deployment.database, one.edge.hints);
  const [agentId, token] = [randomUUID(), randomUUID()];
  await build(world, "start", [agentOf(agentId, token, [script("echo hello")])], 1);
  return { world, agentId, token };
}

async function statusOf(agentId: string) {
  const [row] = await deployment.database.sql<(AgentTimes & { now: Date })[]>`
    select created_at, first_connected_at, last_connected_at, disconnected_at, connection_timeout_seconds, now() as now
    from api.workspace_agent where id = ${agentId}`;
  return agentStatus(row!, row!.now);
}

test("an unknown token is told from a revoked one", async () => {
  const { world, token } = await workspaceWithAgent();
  const early = new AgentLine(one, newAgentProcess(randomUUID()));
  expect(await early.heard.end()).toMatchObject({
    code: "unauthenticated",
    message: expect.stringMatching(/^token_unknown/) as string,
  });
  const running = new AgentLine(two, newAgentProcess(token));
  await running.manifest();
  await build(world, "stop", [], 2);
  const revoked = { code: "unauthenticated", message: expect.stringMatching(/^token_revoked/) as string };
  expect(await running.heard.end()).toMatchObject(revoked);
  expect(await new AgentLine(one, newAgentProcess(token)).heard.end()).toMatchObject(revoked);
});

test("an agent is let in before its build ends, and has its manifest when it does", async () => {
  const world = await makeWorld(deployment.database, one.edge.hints);
  const [agentId, token] = [randomUUID(), randomUUID()];
  await postBuild(deployment.database, one.edge.hints, world);
  const { run, line } = await takeJob(one, newDaemon());
  const reported = { agentId, token, name: "main", operatingSystem: "linux", architecture: "amd64" };
  await run.acknowledged(run.say({ $case: "agentToken", value: reported }));
  const process = newAgentProcess(token);
  const early = new AgentLine(two, process);
  early.beat();
  const { value } = await early.heard.until((m) => m.$case === "beat");
  expect(value.serverTime).toBeInstanceOf(Date);
  expect(early.heard.messages.some((m) => m.$case === "manifest")).toBe(false);
  await run.acknowledged(run.say(buildResult([agentOf(agentId, token, [script("echo hello")])])));
  const manifest = await early.manifest();
  expect(manifest).toMatchObject({
    agentId,
    workspaceName: "dev",
    environment: { GREETING: "hello" },
    scripts: [{ source: "echo hello", runOnStart: true }],
  });
  const verdict = verifyTicket(manifest.relayTicket, one.edge.signingKeys.all(), {
    purpose: "relay",
    now: Date.now() + 11 * 3_600_000,
    deploymentId: manifest.deploymentId,
    bearerKey: process.publicKey.toString("hex"),
  });
  expect(verdict).toMatchObject({ valid: true, claims: { kind: "relay" } });
  for (const open of [early, line, run]) open.cancel();
});

test("an agent that moves between replicas is never disconnected, and nothing it said is lost or told twice", async () => {
  const { agentId, token } = await workspaceWithAgent();
  const process = newAgentProcess(token);
  const leaving = await deployment.startReplica();
  const before = new AgentLine(leaving, process);
  const { agentLogSourceId } = await before.manifest();
  const said = (text: string) => ({
    $case: "logs" as const,
    value: {
      logSourceId: agentLogSourceId,
      lines: [{ createdAt: new Date(), level: agent.AgentLogLevel.INFO, output: text }],
    },
  });
  await before.acknowledged(before.say(said("one")));
  leaving.drain();
  await before.heard.until((m) => m.$case === "move");
  const after = new AgentLine(one, process);
  await after.manifest();
  expect(await before.heard.end()).toMatchObject({ code: "ok" });
  await after.acknowledged(after.say(said("one")));
  await after.acknowledged(after.say(said("two")));
  await leaving[Symbol.asyncDispose]();
  expect(await statusOf(agentId)).toBe("connected");
  const lines = await readAgentLog(deployment.database.sql, agentId);
  expect(lines.map(({ output }) => output)).toEqual(["one", "two"]);
  after.cancel();
});

test("a second process under one token supersedes the first, which is told, and it is audited", async () => {
  const { agentId, token } = await workspaceWithAgent();
  const [former, latter] = [newAgentProcess(token), newAgentProcess(token)];
  const old = new AgentLine(one, former);
  await old.acknowledged(
    old.say({ $case: "lifecycle", value: { state: agent.LifecycleState.READY, changedAt: new Date() } }),
  );
  const young = new AgentLine(two, latter);
  await young.manifest();
  const { value } = await old.heard.until((m) => m.$case === "superseded");
  expect(value.byIncarnation).toBe(latter.incarnation);
  expect(await old.heard.end()).toMatchObject({ code: "ok" });
  const audited = await deployment.database.sql`
    select action from api.audit_log where resource_id = ${agentId} and action = 'supersede'`;
  expect(audited).toHaveLength(1);
  const [row] = await deployment.database.sql`
    select lifecycle_state from api.workspace_agent where id = ${agentId}`;
  expect(row).toEqual({ lifecycle_state: "created" });
  young.cancel();
});

test("a lifecycle moves forward only, and a script's result is kept", async () => {
  const { agentId, token } = await workspaceWithAgent();
  const line = new AgentLine(one, newAgentProcess(token));
  const manifest = await line.manifest();
  const { STARTING, READY } = agent.LifecycleState;
  for (const state of [STARTING, READY, STARTING])
    await line.acknowledged(line.say({ $case: "lifecycle", value: { state, changedAt: new Date() } }));
  const done = {
    scriptId: manifest.scripts[0]!.id,
    exitCode: 3,
    startedAt: new Date(),
    endedAt: new Date(),
    timedOut: false,
  };
  await line.acknowledged(line.say({ $case: "scriptCompleted", value: done }));
  const [row] = await deployment.database.sql`
    select lifecycle_state, agent.started_at is not null as started, ready_at is not null as ready, script.status, script.exit_code
    from api.workspace_agent agent join api.workspace_agent_script script on script.agent_id = agent.id
    where agent.id = ${agentId}`;
  expect(row).toEqual({
    lifecycle_state: "ready",
    started: true,
    ready: true,
    status: "exit_failure",
    exit_code: 3,
  });
  line.cancel();
});

test("a session's ticket is for one client at one agent, and its two times are what they say", () => {
  const keys = one.edge.signingKeys.all();
  const [client, agentKey] = [generateKeyPair().publicKey.toString("hex"), generateKeyPair().publicKey];
  const subject = { agentId: randomUUID(), agentKey, userId: randomUUID(), clientPublicKey: client };
  const { token } = issueSessionTicket(one.edge, subject);
  const shown = (purpose: "start" | "relay", inMs: number, agentId = subject.agentId) =>
    verifyTicket(token, keys, {
      purpose,
      now: Date.now() + inMs,
      bearerKey: client,
      deploymentId: one.edge.secrets.deploymentId,
      ...(purpose === "start" && { agentId, agentKey: agentKey.toString("hex") }),
    });
  expect(shown("start", 110_000)).toMatchObject({ valid: true });
  expect(shown("start", 110_000, randomUUID())).toMatchObject({ valid: false, reason: "foreign_agent" });
  expect(shown("start", 121_000)).toMatchObject({ valid: false, reason: "expired_start" });
  expect(shown("relay", 11.9 * 3_600_000)).toMatchObject({ valid: true });
  expect(shown("relay", 12.1 * 3_600_000)).toMatchObject({ valid: false, reason: "expired_relay" });
});

test("sessions that must end are told to an agent that listens and to one that comes later", async () => {
  const { world, token } = await workspaceWithAgent();
  const process = newAgentProcess(token);
  const line = new AgentLine(one, process);
  await line.manifest();
  await endSessions(deployment.database.sql, one.edge.hints, { userId: world.userId });
  const ours = (m: { $case: string; value: unknown }) =>
    m.$case === "endSessions" && (m.value as agent.EndSessions).userIds.includes(world.userId);
  await eventually(() => expect(line.heard.messages.some(ours)).toBe(true));
  const later = new AgentLine(two, process);
  await eventually(() => expect(later.heard.messages.some(ours)).toBe(true));
  for (const open of [line, later]) open.cancel();
});

test("Terraform's agent lives on over a rebuild, and begins anew after a stop", async () => {
  const { world, agentId, token } = await workspaceWithAgent();
  const line = new AgentLine(one, newAgentProcess(token));
  await line.manifest();
  await build(world, "start", [agentOf(agentId, token, [script("echo again")])], 2);
  expect(await line.manifest(2)).toMatchObject({ scripts: [{ source: "echo again" }] });
  await build(world, "stop", [], 3);
  await line.heard.end();
  await build(world, "start", [agentOf(agentId, token)], 4);
  expect(await statusOf(agentId)).toBe("connecting");
  const back = new AgentLine(two, newAgentProcess(token));
  await back.manifest();
  expect(await statusOf(agentId)).toBe("connected");
  back.cancel();
});
