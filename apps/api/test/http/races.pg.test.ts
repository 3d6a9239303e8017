import { afterAll, beforeAll, expect, test } from "vitest";
import { routes, type HttpClient } from "@berth/http-api";
import { eventually } from "@berth/testing";
import { addUser, firstUser, refusal } from "./people.ts";
import { type TestApi, startApi } from "./plane.ts";
import { finishJob, makeTemplate, postVersion } from "./templates.ts";

let api: TestApi;
let owner: HttpClient & { readonly token: string };

beforeAll(async () => {
  api = await startApi();
  owner = await firstUser(api.url);
});
afterAll(() => api[Symbol.asyncDispose]());

const me = { params: { user: "me" } };

/** Statements that wait for a lock in this test's database. */
const blocked = (count: number) =>
  eventually(async () => {
    const rows = await api.database.sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    expect(rows).toHaveLength(count);
  });

async function rowsOf(table: string): Promise<number> {
  const [row] = await api.database.sql<{ count: number }[]>`
    select count(*)::int as count from ${api.database.sql(table)}`;
  return row?.count ?? -1;
}

test("of several creates of one name one is made, and of the others nothing", async () => {
  const template = await makeTemplate(owner, api.database);
  const tables = ["api.workspace", "api.workspace_build", "api.job", "api.audit_log"];
  const before = await Promise.all(tables.map(rowsOf));
  const outcomes = await Promise.all(
    ["dev", "DEV", "Dev", "dEv", "dev", "dev"].map((name) =>
      refusal(owner.call(routes.createWorkspace, { ...me, body: { name, template_id: template.id } })),
    ),
  );
  const refused = outcomes.filter((outcome) => outcome !== "it did not fail");
  expect(refused).toMatchObject(Array.from({ length: 5 }, () => ({ status: 409 })));
  expect(await Promise.all(tables.map(rowsOf))).toEqual(before.map((count) => count + 1));
});

test("a workspace is not made of a template that is just being deleted", async () => {
  const template = await makeTemplate(owner, api.database);
  const body = { name: "late", template_id: template.id };
  const created = await api.plane.database.transaction(async (sql) => {
    await sql`update api.template set deleted_at = now() where id = ${template.id}`;
    const creating = refusal(owner.call(routes.createWorkspace, { ...me, body }));
    await blocked(1);
    return { creating };
  });
  expect(await created.creating).toMatchObject({ status: 400, validations: [{ field: "template_id" }] });
  expect(await owner.call(routes.listWorkspaces, { query: { q: "name:late" } })).toMatchObject({ count: 0 });
});

test("of two templates that are made of one version at once one is, and a template is deleted once", async () => {
  const version = await postVersion(owner);
  await finishJob(api.database, version.job.id);
  const make = (name: string) =>
    owner.call(routes.createTemplate, {
      params: { organization: "default" },
      body: { name, template_version_id: version.id },
    });
  const { making } = await api.plane.database.transaction(async (sql) => {
    await sql`select from api.template_version where id = ${version.id} for update`;
    const both = Promise.allSettled([make("one"), make("two")]);
    await blocked(2);
    return { making: both };
  });
  const outcomes = await making;
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({
    reason: { status: 400, validations: [{ field: "template_version_id" }] },
  });
  const template = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value.id] : []))[0] ?? "";
  const deletions = await Promise.allSettled(
    [1, 2, 3].map(() => owner.call(routes.deleteTemplate, { params: { template } })),
  );
  expect(deletions.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const deletion of deletions)
    if (deletion.status === "rejected") expect(deletion.reason).toMatchObject({ status: 404 });
});

test("a template that demands its active version is built with no other, but by who edits templates", async () => {
  const template = await makeTemplate(owner, api.database);
  const params = { template: template.id };
  const version = await postVersion(owner, { templateId: template.id });
  await finishJob(api.database, version.job.id);
  const bob = await addUser(owner, "bob");
  const old = { template_version_id: template.active_version_id };
  const { id, latest_build } = await bob.call(routes.createWorkspace, {
    ...me,
    body: { name: "b1", ...old },
  });
  await finishJob(api.database, latest_build.job.id);
  await owner.call(routes.setActiveTemplateVersion, { params, body: { id: version.id } });
  await owner.call(routes.updateTemplate, { params, body: { require_active_version: true } });
  const create = (client: HttpClient, name: string) =>
    refusal(client.call(routes.createWorkspace, { ...me, body: { name, ...old } }));
  const start = { params: { workspace: id }, body: { transition: "start", ...old } } as const;
  expect(await create(bob, "b2")).toMatchObject({ status: 403 });
  expect(await refusal(bob.call(routes.createWorkspaceBuild, start))).toMatchObject({ status: 403 });
  expect(await create(owner, "o1")).toBe("it did not fail");
  const build = await bob.call(routes.createWorkspaceBuild, {
    params: { workspace: id },
    body: { transition: "start" },
  });
  expect(build.template_version_id).toBe(version.id);
});
