import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ProvisionerJobLog,
  routes,
  urlOf,
  type HttpClient,
  type Route,
  type Workspace,
} from "@berth/http-api";
import { openWebSocket } from "@berth/rpc";
import { codeOf } from "@berth/std";
import { eventually } from "@berth/testing";
import { generateKeyPair } from "@berth/tunnel";
import { appendJobLog, controlLine } from "../../src/logs/job-log.ts";
import { makeAgent } from "./agents.ts";
import { faultsOf } from "./conformance.ts";
import { addUser, firstUser } from "./people.ts";
import { type TestApi, startApi } from "./plane.ts";
import { finishJob, makeTemplate } from "./templates.ts";

let api: TestApi;
let owner: HttpClient & { readonly token: string };
let workspace: Workspace;

beforeAll(async () => {
  api = await startApi();
  owner = await firstUser(api.url);
  const template = await makeTemplate(owner, api.database);
  const body = { name: "dev", template_id: template.id };
  workspace = await owner.call(routes.createWorkspace, { params: { user: "me" }, body });
});
afterAll(() => api[Symbol.asyncDispose]());

const headers = (token: string) => ({ "coder-session-token": token });
const watch = () => urlOf(api.url, routes.watchWorkspaceOverWebSocket, { workspace: workspace.id }).href;

/** The first messages of a stream, parsed. */
async function take(
  count: number,
  route: Route,
  params: Record<string, string>,
  query = {},
): Promise<unknown[]> {
  const url = urlOf(api.url, route, params, query);
  const connection = await openWebSocket(url, { headers: headers(owner.token) });
  const messages: unknown[] = [];
  for await (const text of connection.messages) {
    messages.push(JSON.parse(String(text)));
    if (messages.length === count) break;
  }
  connection.close();
  return messages;
}

test("what a stream sends over WebSocket is what its route declares", async () => {
  const { id, latest_build: build } = workspace;
  const agentId = await makeAgent(api.database, {
    workspaceId: id,
    jobId: build.job.id,
    agentKey: generateKeyPair().publicKey,
  });
  await api.database.sql`
    insert into api.workspace_agent_metadata (agent_id, key, script, interval_seconds, timeout_seconds, value, collected_at)
    values (${agentId}, 'load', 'uptime', 10, 1, '0.1', now())`;
  await api.database.transaction(async (sql) => {
    await sql`select from api.job where id = ${build.job.id} for update`;
    await appendJobLog(sql, build.job.id, 1, [controlLine("one"), controlLine("two", "warn")]);
  });
  const frames = await take(2, routes.watchWorkspaceOverWebSocket, { workspace: id });
  expect(frames).toMatchObject([
    { type: "ping", data: null },
    { type: "data", data: { id, name: "dev", latest_build: { resources: [{ agents: [{ id: agentId }] }] } } },
  ]);
  const metadata = await take(1, routes.watchWorkspaceAgentMetadataOverWebSocket, { agent: agentId });
  expect(metadata).toMatchObject([
    { type: "data", data: [{ description: { key: "load" }, result: { value: "0.1" } }] },
  ]);
  const watched = [routes.watchWorkspaceOverWebSocket, routes.watchWorkspaceAgentMetadataOverWebSocket];
  for (const [at, sent] of [frames, metadata].entries())
    for (const frame of sent) expect(faultsOf(watched[at]?.response, frame)).toEqual([]);
  const lines = await take(1, routes.listWorkspaceBuildLogs, { build: build.id }, { follow: true, after: 1 });
  expect(lines).toMatchObject([{ id: 2, output: "two", log_level: "warn" }]);
  for (const line of lines) expect(faultsOf(ProvisionerJobLog, line)).toEqual([]);
  const [agentLines] = await take(1, routes.listWorkspaceAgentLogs, { agent: agentId }, { follow: true });
  expect(agentLines).toMatchObject([{ id: 1, output: "hello" }]);
  expect(faultsOf(routes.listWorkspaceAgentLogs.response, agentLines)).toEqual([]);
});

test("a follower that asks for what cannot be is told before it is let in", async () => {
  const ask = (path: string, more = {}) => upgrade(`${api.url}${path}`, { ...headers(owner.token), ...more });
  const logs = `/api/v2/workspacebuilds/${workspace.latest_build.id}/logs?follow=true`;
  expect(await ask(`${logs}&after=x`)).toMatchObject({
    status: 400,
    body: { message: "Validation failed." },
  });
  expect(await ask(`/api/v2/workspaces/not-an-id/watch-ws`)).toMatchObject({ status: 404 });
  expect(await ask(`/api/v2/nothing`)).toMatchObject({ status: 404 });
  const { key } = await owner.call(routes.createToken, {
    params: { user: "me" },
    body: { token_name: "gone" },
  });
  await api.database
    .sql`update api.api_key set expires_at = now() - interval '1 s' where token_name = 'gone'`;
  expect(await ask(logs, headers(key))).toMatchObject({
    status: 401,
    body: { detail: expect.stringContaining("API key expired") as string },
  });
});

/** The plain answer to an upgrade that is refused. */
async function upgrade(url: string, more: Record<string, string>) {
  const asked = request(url, { headers: { ...more, connection: "upgrade", upgrade: "websocket" } }).end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return { status: answer.statusCode, body: JSON.parse(await text(answer)) as unknown };
}

test("a watch as an event stream sends the same", async () => {
  const stop = new AbortController();
  const url = urlOf(api.url, routes.watchWorkspace, { workspace: workspace.id });
  const answer = await fetch(url, { headers: headers(owner.token), signal: stop.signal });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(answer.headers.get("x-coder-build-version")).toMatch(/^v2\./);
  let sent = "";
  for await (const chunk of answer.body ?? []) {
    sent += Buffer.from(chunk).toString();
    if (/event: data\ndata: .*\n\n/.test(sent)) break;
  }
  stop.abort();
  expect(sent).toContain(workspace.id);
  await eventually(() => expect(api.answered).toContain("watchWorkspace")); // as it was declared
});

test("a log that is followed ends with its job, by 1000", async () => {
  const params = { build: workspace.latest_build.id };
  const url = urlOf(api.url, routes.listWorkspaceBuildLogs, params, { follow: true }).href;
  const connection = await openWebSocket(url, { headers: headers(owner.token) });
  await finishJob(api.database, workspace.latest_build.job.id);
  expect(await connection.closed).toMatchObject({ code: 1000 });
});

test("nobody follows what they may not read, and a foreign page follows nothing", async () => {
  const other = await addUser(owner, "bob");
  const cookie = `coder_session_token=${owner.token}`;
  const refused = (more: Record<string, string>) =>
    openWebSocket(watch(), { headers: more }).then(() => "opened", codeOf);
  expect(await refused({})).toBe("unauthenticated");
  expect(await refused(headers(other.token))).toBe("not_found");
  expect(await refused({ cookie, origin: "https://evil.example" })).toBe("permission_denied");
  const admin = await addUser(owner, "eve", ["template-admin"]);
  expect(await refused(headers(admin.token))).toBe("opened");
});
