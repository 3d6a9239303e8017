import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApi, routes, type HttpClient, type Route } from "@berth/http-api";
import { generateKeyPair, verifyTicket } from "@berth/tunnel";
import { clientOf, addUser, firstUser } from "./people.ts";
import { type TestApi, startApi } from "./plane.ts";
import { finishJob, makeTemplate, postVersion } from "./templates.ts";
import { makeAgent } from "./agents.ts";

let api: TestApi;
let owner: HttpClient & { readonly token: string };

beforeAll(async () => {
  api = await startApi({ CODER_DANGEROUS_ALLOW_LOCAL_TEMPLATE: "true" });
  owner = await firstUser(api.url);
});
afterAll(() => api[Symbol.asyncDispose]());

const me = { params: { user: "me" } };
const organization = { params: { organization: "default" } };

test("what the deployment says of itself", async () => {
  const nobody = clientOf(api.url);
  const info = await nobody.call(routes.getBuildInfo, {});
  expect(info).toMatchObject({
    version: expect.stringMatching(/^v2\.\d+\.\d+/) as string,
    external_url: api.url,
  });
  expect(await owner.call(routes.getAppearance, {})).toMatchObject({ application_name: "Berth" });
  expect(await owner.call(routes.getSshConfig, {})).toMatchObject({ hostname_prefix: "coder." });
  const port = Number(new URL(api.url).port);
  expect(await owner.call(routes.getDerpMap, {})).toMatchObject({
    Regions: {
      999: { EmbeddedRelay: true, Nodes: [{ HostName: "127.0.0.1", DERPPort: port, ForceHTTP: true }] },
    },
  });
  expect(await nobody.call(routes.getOpenApi, {})).toEqual(
    JSON.parse(JSON.stringify(openApi(Object.values(routes)))),
  );
  expect(await owner.call(routes.listReplicas, {})).toEqual([]);
});

test("users, and who they are", async () => {
  const nobody = clientOf(api.url);
  await nobody.call(routes.hasFirstUser, {});
  await nobody.call(routes.getAuthMethods, {});
  const bob = await addUser(owner, "Bob", ["auditor"]);
  expect(await bob.call(routes.getUser, me)).toMatchObject({ username: "Bob", roles: [{ name: "auditor" }] });
  const page = await owner.call(routes.listUsers, { query: { q: "bo" } });
  expect(page).toMatchObject({ count: 1, users: [{ username: "Bob" }] });
  expect(
    await owner.call(routes.listUsers, { query: { limit: 1, after_id: page.users[0]!.id } }),
  ).toMatchObject({
    users: [],
    count: 2,
  });
  expect(await owner.call(routes.listOrganizationsOfUser, { params: { user: "bob" } })).toMatchObject([
    { is_default: true },
  ]);
  expect((await bob.call(routes.listSiteRoles, {})).some(({ assignable }) => assignable)).toBe(false);
  await owner.call(routes.listOrganizations, {});
  await owner.call(routes.getOrganization, organization);
  await bob.call(routes.logOut, {});
});

test("keys and tokens", async () => {
  const { key } = await owner.call(routes.createSessionKey, me);
  await clientOf(api.url, key).call(routes.getUser, me);
  await owner.call(routes.createToken, { ...me, body: { token_name: "ci", lifetime: 3_600_000_000_000 } });
  const [token] = await owner.call(routes.listTokens, me);
  expect(token).toMatchObject({ token_name: "ci", lifetime_seconds: 3600, login_type: "token" });
  expect(await owner.call(routes.getTokenConfig, me)).toEqual({ max_token_lifetime: 876_600 * 3600e9 });
  await owner.call(routes.getKey, { params: { user: "me", key: "CI" } });
  await owner.call(routes.deleteKey, { params: { user: "me", key: token!.id } });
  expect(await owner.call(routes.listTokens, me)).toEqual([]);
});

test("a template from its archive to its deletion", async () => {
  const template = await makeTemplate(owner, api.database);
  const params = { template: template.id };
  const version = await postVersion(owner, { templateId: template.id });
  expect(version).toMatchObject({ name: "v2", job: { status: "pending" }, readme: "# Home\n" });
  await finishJob(api.database, version.job.id);
  await api.database.sql`
    insert into api.template_version_variable (template_version_id, name, value, sensitive)
    values (${version.id}, 'password', 'hidden', true)`;
  const of = { params: { version: version.id } };
  expect(await owner.call(routes.getTemplateVersion, of)).toMatchObject({ job: { status: "succeeded" } });
  expect(await owner.call(routes.listTemplateVersionVariables, of)).toMatchObject([
    { name: "password", value: "" },
  ]);
  expect(await owner.call(routes.listTemplateVersionParameters, of)).toEqual([]);
  expect(await owner.call(routes.listTemplateVersionResources, of)).toEqual([]);
  expect(await owner.call(routes.listTemplateVersionLogs, of)).toEqual([]);
  await owner.call(routes.setActiveTemplateVersion, { params, body: { id: version.id } });
  await owner.call(routes.updateTemplate, {
    params,
    body: { display_name: "Home", require_active_version: true },
  });
  expect(await owner.call(routes.getTemplate, { params })).toMatchObject({
    active_version_id: version.id,
    display_name: "Home",
    require_active_version: true,
    allow_user_cancel_workspace_jobs: true,
  });
  const named = { params: { organization: "default", name: template.name.toUpperCase() } };
  expect(await owner.call(routes.getTemplateByName, named)).toMatchObject({ id: template.id });
  const versions = await owner.call(routes.listTemplateVersions, { params });
  expect(versions.map(({ name }) => name)).toEqual(["v1", "v2"]);
  expect(
    await owner.call(routes.listTemplates, { query: { q: `exact_name:${template.name}` } }),
  ).toHaveLength(1);
  await owner.call(routes.listOrganizationTemplates, organization);
  const file = await owner.call(routes.downloadFile, { params: { file: version.job.file_id } });
  expect(Buffer.from(file).includes("terraform_data")).toBe(true);
  await owner.call(routes.deleteTemplate, { params });
  const canceled = await postVersion(owner);
  await owner.call(routes.cancelTemplateVersion, { params: { version: canceled.id } });
});

test("a workspace from its creation to its deletion, with its agent", async () => {
  const template = await makeTemplate(owner, api.database, {
    parameters: [{ name: "size", type: "number", required: true, validation_min: 1, validation_max: 8 }],
  });
  const workspace = await owner.call(routes.createWorkspace, {
    ...me,
    body: { name: "Dev", template_id: template.id, rich_parameter_values: [{ name: "size", value: "4" }] },
  });
  const build = workspace.latest_build;
  expect(workspace).toMatchObject({
    owner_name: "ada",
    outdated: false,
    latest_build: { status: "pending", build_number: 1 },
  });
  const of = { params: { build: build.id } };
  expect(await owner.call(routes.listWorkspaceBuildParameters, of)).toEqual([{ name: "size", value: "4" }]);
  const agentKey = generateKeyPair().publicKey;
  const agentId = await makeAgent(api.database, { workspaceId: workspace.id, jobId: build.job.id, agentKey });
  await finishJob(api.database, build.job.id);

  const params = { workspace: workspace.id };
  const running = await owner.call(routes.getWorkspace, { params });
  expect(running).toMatchObject({
    health: { healthy: true, failing_agents: [] },
    latest_build: {
      status: "running",
      resources: [{ agents: [{ id: agentId, status: "connected", scripts: [{ script: "echo hello" }] }] }],
    },
  });
  expect(await owner.call(routes.getWorkspaceByName, { params: { user: "ADA", name: "dev" } })).toEqual(
    running,
  );
  expect(await owner.call(routes.listWorkspaces, { query: { q: "owner:me status:running" } })).toEqual({
    workspaces: [running],
    count: 1,
  });
  await owner.call(routes.getWorkspaceBuild, of);
  expect(await owner.call(routes.listWorkspaceBuildResources, of)).toEqual(running.latest_build.resources);
  expect(await owner.call(routes.listWorkspaceBuildLogs, of)).toEqual([]);
  await api.database.sql`
    insert into api.workspace_state (workspace_build_id, lineage, serial, state)
    values (${build.id}, 'l', 1, ${Buffer.from("{}")})`;
  expect(Buffer.from(await owner.call(routes.downloadWorkspaceBuildState, of)).toString()).toBe("{}");

  const agent = { params: { agent: agentId } };
  expect(await owner.call(routes.getWorkspaceAgent, agent)).toEqual(
    running.latest_build.resources[0]?.agents?.[0],
  );
  expect(await owner.call(routes.listWorkspaceAgentLogs, agent)).toMatchObject([{ output: "hello" }]);
  await owner.call(routes.getConnectionSettings, {});
  expect(await owner.call(routes.getWorkspaceAgentConnection, agent)).toMatchObject({
    ssh_host_key: "ssh-ed25519 AAAA",
  });
  const bearerKey = generateKeyPair().publicKey.toString("hex");
  const { ticket, ...connection } = await owner.call(routes.connectWorkspaceAgent, {
    ...agent,
    body: { client_public_key: bearerKey },
  });
  expect(connection).toMatchObject({
    agent_public_key: agentKey.toString("hex"),
    workspace_id: workspace.id,
  });
  const use = {
    purpose: "start",
    now: Date.now(),
    bearerKey,
    agentId,
    agentKey: agentKey.toString("hex"),
  } as const;
  expect(verifyTicket(ticket, api.plane.signingKeys.all(), use)).toMatchObject({ valid: true });

  await owner.call(routes.renameWorkspace, { params, body: { name: "den" } });
  const stop = await owner.call(routes.createWorkspaceBuild, {
    params,
    body: { transition: "stop", reason: "cli" },
  });
  expect(stop).toMatchObject({ build_number: 2, workspace_name: "den", reason: "cli" });
  expect(await owner.call(routes.listWorkspaceBuildParameters, { params: { build: stop.id } })).toEqual([
    { name: "size", value: "4" },
  ]);
  await owner.call(routes.cancelWorkspaceBuild, { params: { build: stop.id } });
  const builds = await owner.call(routes.listWorkspaceBuilds, { params, query: { limit: 1 } });
  expect(builds).toMatchObject([{ build_number: 2, status: "canceled" }]);
  expect(await owner.call(routes.listWorkspaceBuilds, { params, query: { after_id: stop.id } })).toHaveLength(
    1,
  );
});

test("a workspace is made in an organization too", async () => {
  const template = await makeTemplate(owner, api.database);
  const params = { organization: "default", user: "me" };
  await owner.call(routes.createWorkspaceInOrganization, {
    params,
    body: { name: "other", template_id: template.id },
  });
});

test("daemons and their keys", async () => {
  const { id } = await owner.call(routes.getOrganization, organization);
  await api.database.sql`
    insert into api.provisioner_daemon (id, organization_id, key_id, name, incarnation, provisioners)
    values (${randomUUID()}, ${id}, '00000000-0000-0000-0000-000000000003', 'd', ${randomUUID()}, '{terraform}')`;
  expect(await owner.call(routes.listProvisionerDaemons, organization)).toMatchObject([
    { name: "d", key_name: "psk", status: "idle", tags: { scope: "organization" }, current_job: null },
  ]);
  await owner.call(routes.createProvisionerKey, {
    ...organization,
    body: { name: "Gpu", tags: { gpu: "yes" } },
  });
  expect(await owner.call(routes.listProvisionerKeys, organization)).toMatchObject([
    { name: "Gpu", tags: { gpu: "yes" } },
  ]);
  await owner.call(routes.deleteProvisionerKey, { params: { organization: "default", name: "gpu" } });
});

test("every route with a plain answer was checked above", () => {
  const all: readonly Route[] = Object.values(routes);
  const plain = all.filter(({ stream }) => stream !== "sse" && stream !== "websocket");
  expect(plain.map(({ id }) => id).filter((id) => !api.answered.has(id))).toEqual([]);
});
