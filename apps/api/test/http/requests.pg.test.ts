import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { routes, type HttpClient } from "@berth/http-api";
import { clientOf, firstUser, refusal } from "./people.ts";
import { type TestApi, startApi } from "./plane.ts";
import { archive, finishJob, makeTemplate, postVersion } from "./templates.ts";

let api: TestApi;
let owner: HttpClient & { readonly token: string };

beforeAll(async () => {
  api = await startApi();
  owner = await firstUser(api.url);
});
afterAll(() => api[Symbol.asyncDispose]());

const me = { params: { user: "me" } };
const post = (path: string, body: string) =>
  fetch(api.url + path, { method: "POST", body, headers: { "coder-session-token": owner.token } });

test("a bad body names every field that is wrong", async () => {
  const answer = await post(
    "/api/v2/users",
    JSON.stringify({ email: "no", username: "a--b", roles: ["king"] }),
  );
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    message: "Validation failed.",
    validations: [{ field: "email" }, { field: "username" }, { field: "roles.0" }],
  });
  const missing = await post("/api/v2/users", "{}");
  expect(await missing.json()).toMatchObject({ validations: [{ field: "email" }, { field: "username" }] });
  expect((await post("/api/v2/users", "{")).status).toBe(400);
  expect((await post("/api/v2/users", "")).status).toBe(400);
});

test("an unknown filter, and a value that a filter cannot have, are refused and never ignored", async () => {
  for (const [q, field] of [
    ["ownr:me", "ownr"],
    ["status:asleep", "status"],
    ["id:1", "id"],
    ["outdated:so", "outdated"],
  ])
    expect(await refusal(owner.call(routes.listWorkspaces, { query: { q: q ?? "" } }))).toMatchObject({
      status: 400,
      validations: [{ field }],
    });
  for (const [q, field] of [
    ["status:asleep", "status"],
    ["role:king", "role"],
  ])
    expect(await refusal(owner.call(routes.listUsers, { query: { q: q ?? "" } }))).toMatchObject({
      status: 400,
      validations: [{ field }],
    });
  const { id } = await owner.call(routes.getOrganization, { params: { organization: "default" } });
  const template = await makeTemplate(owner, api.database);
  const query = { q: `organization:${id.toUpperCase()} exact_name:${template.name}` };
  expect(await owner.call(routes.listTemplates, { query })).toHaveLength(1);
  const shared = { query: { q: `shared_with_user:${randomUUID()}` } };
  expect(await owner.call(routes.listWorkspaces, shared)).toEqual({ workspaces: [], count: 0 });
});

test("an unknown path answers 404 and never a page where machines ask", async () => {
  const headers = { accept: "text/html" };
  for (const path of [
    "/api/v2/nope",
    "/.well-known/oauth-authorization-server",
    "/bin/coder-linux-amd64.asc",
  ]) {
    const answer = await fetch(api.url + path, { headers });
    expect([path, answer.status, answer.headers.get("content-type")]).toEqual([
      path,
      404,
      "application/json; charset=utf-8",
    ]);
    expect(await answer.json()).toMatchObject({ message: expect.any(String) as string });
  }
});

test("a method that a path does not have is answered 404 in JSON, and HEAD as GET without the body", async () => {
  const ask = (method: string, path: string) =>
    fetch(api.url + path, { method, headers: { "coder-session-token": owner.token } });
  for (const [method, path] of [
    ["OPTIONS", "/api/v2/users"],
    ["PUT", "/api/v2/users"],
    ["DELETE", "/"],
    ["GET", `/api/v2/workspaces/${randomUUID()}/watch-ws`],
  ] as const) {
    const answer = await ask(method, path);
    expect([answer.status, await answer.json()]).toEqual([404, { message: "Route not found." }]);
  }
  const [get, head] = [await ask("GET", "/api/v2/users/me"), await ask("HEAD", "/api/v2/users/me/")];
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect(head.headers.get("content-length")).toBe(get.headers.get("content-length"));
});

test("every answer carries the version and an id of its own", async () => {
  const ids = new Set<string | null>();
  for (const path of ["/api/v2/buildinfo", "/api/v2/nope", "/", `/api/v2/workspaces/${randomUUID()}/watch`]) {
    const { headers } = await fetch(api.url + path);
    expect([path, headers.get("x-coder-build-version")]).toEqual([path, expect.stringMatching(/^v2\./)]);
    ids.add(headers.get("x-coder-request-id"));
  }
  expect([ids.size, ids.has(null)]).toEqual([4, false]);
});

test("an upload that is no archive says what is wrong with it", async () => {
  const upload = (body: Uint8Array) =>
    refusal(owner.call(routes.uploadFile, { body, contentType: "application/x-tar" }));
  expect(await upload(Buffer.from("no tar at all".repeat(100)))).toMatchObject({ status: 400 });
  expect(await upload(Buffer.from([0x1f, 0x8b, 8]))).toMatchObject({
    detail: expect.stringContaining("gzip") as string,
  });
  expect(await upload(await archive({ "../x": "" }))).toMatchObject({
    detail: expect.stringContaining("../x") as string,
  });
  expect(await upload(await archive({ "berth.json": "[]" }))).toMatchObject({
    detail: expect.stringContaining("berth.json") as string,
  });
  expect(await upload(Buffer.alloc(10 * 1024 * 1024 + 1))).toMatchObject({ status: 413 });
});

test("names are looked up in any case and taken once, and the answer names the field", async () => {
  const template = await makeTemplate(owner, api.database);
  const body = { name: "Dev", template_id: template.id };
  await owner.call(routes.createWorkspace, { ...me, body });
  const conflict = { status: 409, validations: [{ field: "name" }] };
  expect(
    await refusal(owner.call(routes.createWorkspace, { ...me, body: { ...body, name: "dEV" } })),
  ).toMatchObject(conflict);
  const user = { email: "new@example.com", username: "ADA", password: "correct horse" };
  expect(await refusal(owner.call(routes.createUser, { body: user }))).toMatchObject({
    status: 409,
    validations: [{ field: "username" }],
  });
});

test("a second build waits for the first to end", async () => {
  const template = await makeTemplate(owner, api.database);
  const workspace = await owner.call(routes.createWorkspace, {
    ...me,
    body: { name: "busy", template_id: template.id },
  });
  const params = { workspace: workspace.id };
  const stop = () => owner.call(routes.createWorkspaceBuild, { params, body: { transition: "stop" } });
  expect(await refusal(stop())).toMatchObject({ status: 409 });
  await finishJob(api.database, workspace.latest_build.job.id);
  const outcomes = await Promise.allSettled([stop(), stop(), stop()]);
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected", "rejected"]);
  expect(
    await refusal(owner.call(routes.deleteTemplate, { params: { template: template.id } })),
  ).toMatchObject({
    status: 400,
  });
});

test("a deleted workspace is gone from lists and names, and says so by its id", async () => {
  const template = await makeTemplate(owner, api.database);
  const { id } = await owner.call(routes.createWorkspace, {
    ...me,
    body: { name: "gone", template_id: template.id },
  });
  await api.database.sql`update api.workspace set deleted_at = now() where id = ${id}`;
  expect(await refusal(owner.call(routes.getWorkspace, { params: { workspace: id } }))).toMatchObject({
    status: 410,
  });
  const named = { params: { user: "me", name: "gone" } };
  expect(await refusal(owner.call(routes.getWorkspaceByName, named))).toMatchObject({ status: 404 });
  await owner.call(routes.getWorkspace, { params: { workspace: id }, query: { include_deleted: true } });
  await owner.call(routes.createWorkspace, { ...me, body: { name: "gone", template_id: template.id } });
});

test("parameters that are missing, wrong or unknown are named, and nothing is made", async () => {
  const template = await makeTemplate(owner, api.database, {
    parameters: [
      { name: "size", type: "number", required: true, validation_max: 8 },
      {
        name: "region",
        default_value: "eu",
        options: [{ name: "EU", value: "eu", description: "", icon: "" }],
      },
    ],
  });
  const create = (rich_parameter_values: { name: string; value: string }[]) =>
    refusal(
      owner.call(routes.createWorkspace, {
        ...me,
        body: { name: "p", template_id: template.id, rich_parameter_values },
      }),
    );
  expect(await create([])).toMatchObject({ status: 400, validations: [{ field: "size" }] });
  const wrong = [
    { name: "size", value: "9" },
    { name: "region", value: "us" },
    { name: "colour", value: "red" },
  ];
  expect(await create(wrong)).toMatchObject({
    validations: [{ field: "colour" }, { field: "size" }, { field: "region" }],
  });
  expect(await owner.call(routes.listWorkspaces, { query: { q: "name:p" } })).toMatchObject({ count: 0 });
});

test("each change writes its audit row in its own transaction, and a refused one writes none", async () => {
  const rows = () => api.database.sql`
    select action, resource_type, status_code, ip_address, user_agent from api.audit_log where resource_type = 'provisioner_key'`;
  const params = { organization: "default" };
  const client = { ...owner };
  await client.call(routes.createProvisionerKey, { params, body: { name: "k" } });
  await refusal(client.call(routes.createProvisionerKey, { params, body: { name: "K" } }));
  expect([...(await rows())]).toEqual([
    {
      action: "create",
      resource_type: "provisioner_key",
      status_code: 201,
      ip_address: "127.0.0.1",
      user_agent: "node",
    },
  ]);
  const [row] = await api.database.sql`
    select person.username, diff from api.audit_log join api.user person on person.id = user_id where resource_type = 'provisioner_key'`;
  expect(row).toEqual({ username: "ada", diff: { name: "k", tags: {} } });
});

test("a limit is one for all replicas, says when to come back, and owners may ask to be spared", async () => {
  const here = await api.startReplica({ CODER_API_RATE_LIMIT: "5" });
  const there = await api.startReplica({ CODER_API_RATE_LIMIT: "5" });
  const ask = (url: string, headers = {}) =>
    fetch(`${url}/api/v2/appearance`, { headers: { "coder-session-token": owner.token, ...headers } });
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, at) => ask(at % 2 === 0 ? here.url : there.url)),
  );
  const refused = answers.filter(({ status }) => status === 429);
  // a minute may turn while they are asked: then twice the limit passes, and never more
  expect([2, 7]).toContain(refused.length);
  expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await ask(here.url, { "x-coder-bypass-ratelimit": "true" })).status).toBe(200);
});

test("a client's address is believed only from a trusted proxy", async () => {
  const trusting = await api.startReplica({
    CODER_PROXY_TRUSTED_HEADERS: "X-Forwarded-For",
    CODER_PROXY_TRUSTED_ORIGINS: "127.0.0.0/8",
  });
  const make = (url: string) =>
    fetch(`${url}/api/v2/users/me/keys`, {
      method: "POST",
      headers: { "coder-session-token": owner.token, "x-forwarded-for": "10.1.1.1, 203.0.113.7, 127.0.0.2" },
    });
  await make(trusting.url);
  await make(api.url);
  const rows = await api.database.sql`
    select ip_address from api.audit_log where action = 'create' and resource_type = 'api_key' order by at desc limit 2`;
  expect(rows.map(({ ip_address }) => ip_address as string)).toEqual(["127.0.0.1", "203.0.113.7"]);
});

test("a template that runs on the machine is built only where nobody else can reach it", async () => {
  const files = { "berth.json": '{"runsOn": "machine"}' };
  const template = await makeTemplate(owner, api.database, { files });
  const create = (url: string) =>
    refusal(
      clientOf(url, owner.token).call(routes.createWorkspace, {
        ...me,
        body: { name: "local", template_id: template.id },
      }),
    );
  expect(await create(api.url)).toMatchObject({
    status: 412,
    detail: expect.stringContaining("CODER_DANGEROUS_ALLOW_LOCAL_TEMPLATE") as string,
  });
  const own = await api.startReplica({ CODER_EMBEDDED_POSTGRES: "true" });
  expect(await create(own.url)).toBe("it did not fail");
});

test("what cannot be kept or counted is refused, and never a fault of ours", async () => {
  const get = (path: string) => fetch(api.url + path, { headers: { "coder-session-token": owner.token } });
  const template = await makeTemplate(owner, api.database);
  for (const [path, body, field] of [
    [
      "/api/v2/users",
      { email: "z@example.com", username: "z", name: "a\0b", password: "correct horse" },
      "name",
    ],
    ["/api/v2/organizations/default/provisionerkeys", { name: "k0", tags: { "a\0": "b" } }, "tags"],
    [
      "/api/v2/users/me/workspaces",
      { name: "w", template_id: template.id, rich_parameter_values: [{ name: "\0", value: "" }] },
      "rich_parameter_values.0.name",
    ],
  ] as const) {
    const answer = await post(path, JSON.stringify(body));
    expect([answer.status, await answer.json()]).toMatchObject([400, { validations: [{ field }] }]);
  }
  for (const path of [
    "/api/v2/users/a%00b",
    "/api/v2/workspaces?q=name:%00",
    "/api/v2/workspaces?q=&offset=1e300",
    `/api/v2/templateversions/${template.active_version_id}/logs?after=1e300`,
    `/api/v2/workspaces/${randomUUID()}/builds?since=0000-01-01T00:00:00Z`,
    `/api/v2/templateversions/${template.active_version_id}/logs?before=99999999999999999999`,
  ])
    expect([path, (await get(path)).status]).toEqual([path, 400]);
  const logs = `/api/v2/templateversions/${template.active_version_id}/logs`;
  expect((await get(`${logs}?after=-1`)).status).toBe(200); // what public clients ask for to mean all
  const nested = `{"email":"a@b.example","username":"y","password":"correct horse","name":${"[".repeat(500_000)}${"]".repeat(500_000)}}`;
  expect((await post("/api/v2/users", nested)).status).toBe(400);
  const utf16 = await makeTemplate(owner, api.database, { files: { "README.md": "#\0 H\0" } });
  expect(
    await owner.call(routes.getTemplateVersion, { params: { version: utf16.active_version_id } }),
  ).toMatchObject({ readme: "# H" });
});

test("a documented field that is not served yet is refused, and its empty values are not", async () => {
  const template = await makeTemplate(owner, api.database);
  const create = (more: object) =>
    post(
      "/api/v2/users/me/workspaces",
      JSON.stringify({ name: "unserved", template_id: template.id, ...more }),
    );
  for (const more of [{ ttl_ms: 60_000 }, { autostart_schedule: "CRON_TZ=UTC 0 9 * * 1-5" }]) {
    const answer = await create(more);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      {
        message: "Validation failed.",
        detail: `${Object.keys(more)[0] ?? ""}: This is not served yet: leave it out.`,
        validations: [{ field: Object.keys(more)[0], detail: "This is not served yet: leave it out." }],
      },
    ]);
  }
  const made = await create({ ttl_ms: null, autostart_schedule: "", template_version_preset_id: "" });
  expect(made.status).toBe(201);
  const { id } = (await made.json()) as { id: string };
  const build = (more: object) =>
    post(`/api/v2/workspaces/${id}/builds`, JSON.stringify({ transition: "delete", ...more }));
  for (const more of [{ dry_run: true }, { orphan: true }, { state: [1, 2] }])
    expect([more, (await build(more)).status]).toEqual([more, 400]);
  expect((await post("/api/v2/users/me/keys/tokens", '{"scopes":["workspace:read"]}')).status).toBe(400);
});

test("a workspace is made of a version of a template, and never of another than was asked for", async () => {
  const [one, two] = [await makeTemplate(owner, api.database), await makeTemplate(owner, api.database)];
  const loose = await postVersion(owner);
  await finishJob(api.database, loose.job.id);
  const create = (body: { template_id?: string; template_version_id?: string }) =>
    refusal(owner.call(routes.createWorkspace, { ...me, body: { name: "of", ...body } }));
  const wrong = { status: 400, validations: [{ field: "template_version_id" }] };
  expect(await create({ template_version_id: loose.id })).toMatchObject(wrong);
  expect(await create({ template_id: one.id, template_version_id: loose.id })).toMatchObject(wrong);
  expect(await create({ template_id: one.id, template_version_id: randomUUID() })).toMatchObject(wrong);
  expect(await create({ template_id: one.id, template_version_id: two.active_version_id })).toMatchObject(
    wrong,
  );
  const nothing = { status: 400, validations: [{ field: "template_id" }] };
  expect(await create({})).toMatchObject(nothing);
  expect(await create({ template_id: randomUUID() })).toMatchObject(nothing);
  const upper = {
    template_id: one.id.toUpperCase(),
    template_version_id: one.active_version_id.toUpperCase(),
  };
  expect(await create(upper)).toBe("it did not fail");
});
