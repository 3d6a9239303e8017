import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { routes, type HttpClient, type Route } from "@berth/http-api";
import { scopeOf } from "../../src/identity/roles.ts";
import { addUser, firstUser, refusal } from "./people.ts";
import { type TestApi, startApi } from "./plane.ts";
import { makeTemplate } from "./templates.ts";

let api: TestApi;
let owner: HttpClient & { readonly token: string };
let theirs: Readonly<Record<string, string>>;

const ROLES = ["owner", "user-admin", "template-admin", "auditor", "member"] as const;
const tokens = new Map<string, string>();

beforeAll(async () => {
  api = await startApi();
  owner = await firstUser(api.url);
  for (const role of ROLES) tokens.set(role, (await addUser(owner, role, [role])).token);
  theirs = await somebodysThings();
});
afterAll(() => api[Symbol.asyncDispose]());

/** Values for the parameters of every path: all there, and none the caller's own. */
async function somebodysThings(): Promise<Record<string, string>> {
  const template = await makeTemplate(owner, api.database);
  const { latest_build: build, id } = await owner.call(routes.createWorkspace, {
    params: { user: "me" },
    body: { name: "theirs", template_id: template.id },
  });
  await api.database.sql`
    insert into api.workspace_state (workspace_build_id, lineage, serial, state)
    values (${build.id}, 'l', 1, ${Buffer.from("{}")})`;
  await owner.call(routes.createToken, { params: { user: "me" }, body: { token_name: "theirs" } });
  return {
    user: "ada",
    key: "theirs",
    organization: "default",
    name: "theirs",
    template: template.id,
    version: template.active_version_id,
    file: build.job.file_id,
    workspace: id,
    build: build.id,
    agent: randomUUID(),
  };
}

const asked = (route: Route, token: string | undefined) =>
  fetch(api.url + route.path.replace(/\{(\w+)\}/g, (_, name: string) => theirs[name] ?? "missing"), {
    method: route.method,
    headers: {
      ...(token !== undefined && { "coder-session-token": token }),
      "content-type": "application/json",
    },
    // an empty object changes nothing anywhere: it is refused, or it says so
    ...(route.method === "GET" ? {} : { body: "{}" }),
  });

// what ends the session that asks, or deletes what the next role asks for
const DESTRUCTIVE = new Set([
  "logOut",
  "deleteTemplate",
  "deleteKey",
  "cancelWorkspaceBuild",
  "cancelTemplateVersion",
]);
const walked: readonly Route[] = Object.values(routes).filter(({ id }) => !DESTRUCTIVE.has(id));

test("nobody reaches a route that is not public", async () => {
  for (const route of Object.values(routes) as readonly Route[]) {
    if (route.stream === "websocket") continue; // an upgrade: the followers' tests
    const { status } = await asked(route, undefined);
    const open = route.permission === "none";
    expect([route.id, status === 401], `${route.id}: ${status}`).toEqual([
      route.id,
      !open || (route.id === "logIn" && status === 401),
    ]);
  }
});

test.each(ROLES)("a %s reaches the routes that the role grants, and no other", async (role) => {
  for (const route of walked) {
    if (route.stream === "websocket" || route.permission === "none") continue;
    const { status } = await asked(route, tokens.get(role));
    const scope = scopeOf([role], route.permission);
    const refused = status === 403 || status === 404;
    if (scope === undefined) expect([route.id, refused], `${route.id}: ${status}`).toEqual([route.id, true]);
    // with a grant the request gets as far as its fields; what is not there is 404 for everybody
    if (scope === "any" && !/\{(agent|name)\}/.test(route.path))
      expect([route.id, refused], `${route.id}: ${status}`).toEqual([route.id, false]);
    if (scope === "own" && /\{(user|workspace|build)\}/.test(route.path) && route.body === undefined)
      expect([route.id, status]).toEqual([route.id, 404]);
  }
});

test("what is missing and what is forbidden are told in the same words", async () => {
  const member = tokens.get("member");
  const ask = async (id: string) => {
    const answer = await fetch(`${api.url}/api/v2/workspaces/${id}`, {
      headers: { "coder-session-token": member ?? "" },
    });
    return [answer.status, await answer.json()] as unknown;
  };
  expect(await ask(theirs["workspace"] ?? "")).toEqual(await ask(randomUUID()));
});

test("a member sees only their own workspaces and themselves, in lists as well", async () => {
  const member = await addUser(owner, "carol");
  expect(await member.call(routes.listWorkspaces, { query: { q: "" } })).toEqual({
    workspaces: [],
    count: 0,
  });
  expect(await member.call(routes.listUsers, {})).toMatchObject({ count: 1, users: [{ username: "carol" }] });
});

test("nobody raises another above themselves", async () => {
  const admin = await addUser(owner, "dora", ["user-admin"]);
  const body = { email: "eve@example.com", username: "eve", password: "correct horse" };
  expect(await refusal(admin.call(routes.createUser, { body: { ...body, roles: ["owner"] } }))).toMatchObject(
    {
      status: 400,
      validations: [{ field: "roles" }],
    },
  );
  await admin.call(routes.createUser, { body: { ...body, roles: ["auditor"] } });
});
