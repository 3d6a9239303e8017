import { afterAll, beforeAll, expect, test } from "vitest";
import { Workspace, routes, urlOf, type HttpClient } from "@berth/http-api";
import { openWebSocket } from "@berth/rpc";
import { codeOf } from "@berth/std";
import { Value } from "typebox/value";
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

test("a watch over WebSocket sends the whole workspace as it is declared", async () => {
  const connection = await openWebSocket(watch(), { headers: headers(owner.token) });
  const frames: unknown[] = [];
  for await (const text of connection.messages) {
    frames.push(JSON.parse(String(text)));
    if (frames.length === 2) break;
  }
  connection.close();
  for (const frame of frames)
    expect(Value.Errors(routes.watchWorkspaceOverWebSocket.response, frame)).toEqual([]);
  expect(frames).toMatchObject([{ type: "ping" }, { type: "data", data: { id: workspace.id, name: "dev" } }]);
});

test("a watch as an event stream sends the same", async () => {
  const stop = new AbortController();
  const url = urlOf(api.url, routes.watchWorkspace, { workspace: workspace.id });
  const answer = await fetch(url, { headers: headers(owner.token), signal: stop.signal });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(answer.headers.get("x-coder-build-version")).toMatch(/^v2\./);
  let text = "";
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (/event: data\ndata: .*\n\n/.test(text)) break;
  }
  stop.abort();
  const [, data = "null"] = /event: data\ndata: (.*)\n\n/.exec(text) ?? [];
  expect(Value.Errors(Workspace, JSON.parse(data))).toEqual([]);
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
  const auditor = await addUser(owner, "eve", ["auditor"]);
  expect(await refused(headers(auditor.token))).toBe("opened");
});
