import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { routes, urlOf, type HttpClient, type Route } from "@berth/http-api";
import { openWebSocket } from "@berth/rpc";
import { CodedError } from "@berth/std";
import { generateKeyPair } from "@berth/tunnel";
import { makeAgent } from "./agents.ts";
import { addUser, firstUser, refusal } from "./people.ts";
import { type TestApi, startApi } from "./plane.ts";
import { finishJob, makeTemplate } from "./templates.ts";

let api: TestApi;
let owner: HttpClient & { readonly token: string };

const ROLES = ["owner", "user-admin", "template-admin", "auditor", "member"] as const;
type Role = (typeof ROLES)[number];
const people = new Map<string, HttpClient & { readonly token: string }>();

beforeAll(async () => {
  api = await startApi();
  owner = await firstUser(api.url);
  for (const role of ROLES) people.set(role, await addUser(owner, role, [role]));
  people.set("other", await addUser(owner, "other"));
});
afterAll(() => api[Symbol.asyncDispose]());

type Things = Readonly<Record<string, string>>;

/** Values for the parameters of every path, all of things that are there and this user's. */
async function thingsOf(user: string): Promise<Things> {
  const template = await makeTemplate(owner, api.database);
  const name = `n-${randomUUID().slice(0, 8)}`;
  const { latest_build: build, id } = await owner.call(routes.createWorkspace, {
    params: { user },
    body: { name, template_id: template.id },
  });
  await finishJob(api.database, build.job.id);
  await api.database.sql`
    insert into api.workspace_state (workspace_build_id, lineage, serial, state)
    values (${build.id}, 'l', 1, ${Buffer.from("{}")})`;
  return {
    user,
    key: name,
    organization: "default",
    name,
    template: template.id,
    version: template.active_version_id,
    file: build.job.file_id,
    workspace: id,
    build: build.id,
    agent: await makeAgent(api.database, {
      workspaceId: id,
      jobId: build.job.id,
      agentKey: generateKeyPair().publicKey,
    }),
  };
}

const ADMINS = ["owner", "user-admin"] as const;
const EDITORS = ["owner", "template-admin"] as const;

/** Who reaches a route where its things are somebody else's; `all` is everybody who is logged in, `public` nobody too. */
const REACH: Record<keyof typeof routes, "public" | "all" | readonly Role[]> = {
  getBuildInfo: "public",
  getOpenApi: "public",
  hasFirstUser: "public",
  createFirstUser: "public",
  logIn: "public",
  getAuthMethods: "public",
  getAppearance: "all",
  getSshConfig: "all",
  getDerpMap: "all",
  logOut: "all",
  listSiteRoles: "all",
  listUsers: "all",
  createUser: ADMINS,
  getUser: ["owner", "user-admin", "template-admin", "auditor"],
  listOrganizationsOfUser: ["owner", "user-admin", "template-admin", "auditor"],
  createSessionKey: ["owner"],
  listTokens: ["owner"],
  createToken: ["owner"],
  getTokenConfig: ["owner"],
  getKey: ["owner"],
  deleteKey: ["owner"],
  listOrganizations: "all",
  getOrganization: "all",
  uploadFile: EDITORS,
  downloadFile: EDITORS,
  listTemplates: "all",
  listOrganizationTemplates: "all",
  createTemplate: EDITORS,
  getTemplateByName: "all",
  getTemplate: "all",
  updateTemplate: EDITORS,
  deleteTemplate: EDITORS,
  listTemplateVersions: "all",
  setActiveTemplateVersion: EDITORS,
  createTemplateVersion: EDITORS,
  getTemplateVersion: "all",
  cancelTemplateVersion: EDITORS,
  listTemplateVersionParameters: "all",
  listTemplateVersionVariables: EDITORS,
  listTemplateVersionResources: "all",
  listTemplateVersionLogs: "all",
  listWorkspaces: "all",
  getWorkspace: EDITORS,
  getWorkspaceByName: EDITORS,
  createWorkspace: ["owner"],
  createWorkspaceInOrganization: ["owner"],
  renameWorkspace: ["owner"],
  watchWorkspace: EDITORS,
  watchWorkspaceOverWebSocket: EDITORS,
  listWorkspaceBuilds: EDITORS,
  createWorkspaceBuild: ["owner"],
  getWorkspaceBuild: EDITORS,
  cancelWorkspaceBuild: ["owner"],
  listWorkspaceBuildParameters: EDITORS,
  listWorkspaceBuildResources: EDITORS,
  listWorkspaceBuildLogs: EDITORS,
  downloadWorkspaceBuildState: EDITORS,
  getConnectionSettings: "all",
  getWorkspaceAgent: EDITORS,
  listWorkspaceAgentLogs: EDITORS,
  watchWorkspaceAgentMetadata: EDITORS,
  watchWorkspaceAgentMetadataOverWebSocket: EDITORS,
  getWorkspaceAgentConnection: EDITORS,
  connectWorkspaceAgent: ["owner"],
  listProvisionerDaemons: "all",
  listProvisionerKeys: ["owner", "template-admin", "auditor"],
  createProvisionerKey: EDITORS,
  deleteProvisionerKey: EDITORS,
  listReplicas: ["owner", "auditor"],
};

/** What any member reaches besides, where the things are their own. */
const OWN: readonly (keyof typeof routes)[] = [
  "getUser",
  "listOrganizationsOfUser",
  "createSessionKey",
  "listTokens",
  "createToken",
  "getTokenConfig",
  "getKey",
  "deleteKey",
  "getWorkspace",
  "getWorkspaceByName",
  "createWorkspace",
  "createWorkspaceInOrganization",
  "renameWorkspace",
  "watchWorkspace",
  "watchWorkspaceOverWebSocket",
  "listWorkspaceBuilds",
  "createWorkspaceBuild",
  "getWorkspaceBuild",
  "cancelWorkspaceBuild",
  "listWorkspaceBuildParameters",
  "listWorkspaceBuildResources",
  "listWorkspaceBuildLogs",
  "getWorkspaceAgent",
  "listWorkspaceAgentLogs",
  "watchWorkspaceAgentMetadata",
  "watchWorkspaceAgentMetadataOverWebSocket",
  "getWorkspaceAgentConnection",
  "connectWorkspaceAgent",
];

/** Bodies by which a request gets to the question whose the thing is; what asks for more is refused later. */
const BODIES: Partial<Record<string, (things: Things) => object>> = {
  createWorkspace: ({ template }) => ({ name: "taken", template_id: template }),
  createWorkspaceInOrganization: ({ template }) => ({ name: "taken", template_id: template }),
  createWorkspaceBuild: () => ({ transition: "start" }),
  connectWorkspaceAgent: () => ({ client_public_key: "a".repeat(64) }),
  setActiveTemplateVersion: ({ version }) => ({ id: version }),
};

/** The status of a request by somebody for these things. */
async function statusOf(route: Route, things: Things, token: string | undefined): Promise<number> {
  await putBack(route, things);
  const named = route.id === "getTemplateByName" ? { ...things, name: await templateName(things) } : things;
  const url = urlOf(api.url, route, named);
  const headers = { ...(token !== undefined && { "coder-session-token": token }) };
  if (route.stream === "websocket") return upgradeStatus(url, headers);
  const stop = new AbortController();
  const { status } = await fetch(url, {
    method: route.method,
    headers,
    signal: stop.signal,
    ...(route.method !== "GET" && { body: JSON.stringify(BODIES[route.id]?.(things) ?? {}) }),
  });
  stop.abort();
  return status;
}

/** A walk deletes what it, or the next one, asks for. */
async function putBack({ id }: Route, { user = "", name = "" }: Things): Promise<void> {
  if (id === "getKey" || id === "deleteKey")
    await refusal(owner.call(routes.createToken, { params: { user }, body: { token_name: name } }));
  if (id === "deleteProvisionerKey")
    await owner.call(routes.createProvisionerKey, { params: { organization: "default" }, body: { name } });
}

async function templateName({ template = "" }: Things): Promise<string> {
  return (await owner.call(routes.getTemplate, { params: { template } })).name;
}

async function upgradeStatus(url: URL, headers: Record<string, string>): Promise<number> {
  const outcome = await openWebSocket(url, { headers }).catch((error: unknown) => error);
  if (outcome instanceof CodedError) return Number(outcome.fields["status"]);
  (outcome as { close(): void }).close();
  return 101;
}

const ALL = Object.values<Route>(routes);
const refused = (status: number) => status === 401 || status === 403 || status === 404;

/** The routes, of these, that let somebody through to these things; a fault of ours is no verdict. */
async function reached(of: readonly Route[], things: Things, token: string | undefined): Promise<string[]> {
  const found: string[] = [];
  for (const route of of) {
    const status = await statusOf(route, things, token);
    expect(status, route.id).toBeLessThan(500);
    if (!refused(status)) found.push(route.id);
  }
  return found;
}

// a log-in with an empty body is a matter of fields, and a log-out would end the walk
const WALKED = ALL.filter(({ id }) => id !== "logIn" && id !== "logOut");
const expected = (may: (id: keyof typeof routes) => boolean) =>
  Object.values(routes).flatMap(({ id }) => (may(id) && id !== "logIn" && id !== "logOut" ? [id] : []));

test("nobody reaches a route that is not public", async () => {
  const found = await reached(WALKED, await thingsOf("ada"), undefined);
  expect(found).toEqual(expected((id) => REACH[id] === "public"));
});

test.each(ROLES)(
  "of somebody else's things the %s reaches what the role grants and no other",
  async (role) => {
    const found = await reached(WALKED, await thingsOf("other"), people.get(role)?.token);
    expect(found).toEqual(expected((id) => typeof REACH[id] === "string" || REACH[id].includes(role)));
  },
);

test("a member reaches everything of their own, but not what makes templates, users and daemons", async () => {
  const found = await reached(WALKED, await thingsOf("member"), people.get("member")?.token);
  expect(found).toEqual(expected((id) => typeof REACH[id] === "string" || OWN.includes(id)));
});

test("a log is followed by whom it may be read, and by nobody else", async () => {
  const theirs = await thingsOf("ada");
  for (const route of Object.values(routes)) {
    if (!("stream" in route) || route.stream !== "follow") continue;
    const reach = REACH[route.id];
    for (const role of ROLES) {
      const url = urlOf(api.url, route, theirs, { follow: true });
      const status = await upgradeStatus(url, { "coder-session-token": people.get(role)?.token ?? "" });
      const may = typeof reach === "string" || reach.includes(role);
      expect([route.id, role, status]).toEqual([route.id, role, may ? 101 : 404]);
    }
  }
});

test("what is missing and what is forbidden are told in the same words", async () => {
  const ask = async (id: string) => {
    const answer = await fetch(`${api.url}/api/v2/workspaces/${id}`, {
      headers: { "coder-session-token": people.get("member")?.token ?? "" },
    });
    return [answer.status, await answer.json()] as unknown;
  };
  expect(await ask((await thingsOf("user-admin"))["workspace"] ?? "")).toEqual(await ask(randomUUID()));
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
