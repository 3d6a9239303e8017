import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { routes, type HttpClient } from "@berth/http-api";
import { FaultyProxy, eventually } from "@berth/testing";
import { buildStatus, jobStatus, type JobTimes, type Transition } from "../../src/jobs/status.ts";
import { buildStatusIn } from "../../src/workspaces/search.ts";
import { firstUser } from "./people.ts";
import { type TestApi, startApi } from "./plane.ts";
import { makeTemplate } from "./templates.ts";

let api: TestApi;
let owner: HttpClient & { readonly token: string };

beforeAll(async () => {
  api = await startApi();
  owner = await firstUser(api.url);
});
afterAll(() => api[Symbol.asyncDispose]());

test("the status that is searched for is the status that is shown", async () => {
  const times = [null, new Date()];
  for (const transition of ["start", "stop", "delete"] satisfies Transition[])
    for (const started_at of times)
      for (const canceled_at of times)
        for (const completed_at of times)
          for (const error of [null, "", "it broke"]) {
            const job: JobTimes = { started_at, canceled_at, completed_at, error };
            const { sql } = api.database;
            const [row] = await sql<{ status: string }[]>`
              select ${buildStatusIn(sql)} as status
              from (select ${started_at}::timestamptz as started_at, ${canceled_at}::timestamptz as canceled_at,
                ${completed_at}::timestamptz as completed_at, ${error}::text as error) job,
                (select ${transition} as transition) build`;
            expect([job, row?.status]).toEqual([job, buildStatus(jobStatus(job), transition)]);
          }
});

test("workspaces are found by each of the filters, and by their place in the list", async () => {
  const template = await makeTemplate(owner, api.database);
  const create = (name: string) =>
    owner.call(routes.createWorkspace, { params: { user: "me" }, body: { name, template_id: template.id } });
  const one = await create("one");
  await create("two");
  const three = await create("three");
  await api.database.sql`
    update api.job set started_at = now(), accepted_at = now(), completed_at = now()
    where id = ${three.latest_build.job.id}`;
  const find = async (q: string, more = {}) =>
    (await owner.call(routes.listWorkspaces, { query: { q, ...more } })).workspaces.map(({ name }) => name);
  expect(await find("")).toEqual(["one", "three", "two"]);
  expect(await find("owner:ADA name:T")).toEqual(["three", "two"]);
  expect(await find("ada/tw")).toEqual(["two"]);
  expect(await find("owner:nobody")).toEqual([]);
  expect(await find("status:running")).toEqual(["three"]);
  expect(await find("status:pending name:two")).toEqual(["two"]);
  expect(await find(`template:${template.name.toUpperCase()} outdated:false`)).toHaveLength(3);
  expect(await find("outdated:true")).toEqual([]);
  expect(await find(`id:${one.id},${three.id.toUpperCase()}`)).toEqual(["one", "three"]);
  expect(await find("organization:default", { limit: 1, offset: 1 })).toEqual(["three"]);
  expect(await find("", { after_id: one.id, limit: 1 })).toEqual(["three"]);
  expect(await find("name:%")).toEqual([]);
});

test("while Postgres is away the answer is 503 with a time to come back, for machines and for people", async () => {
  const target = new URL(api.databaseUrl);
  await using proxy = await FaultyProxy.start({ host: target.hostname, port: Number(target.port) });
  const cut = await api.startReplica({}, proxy.through(api.databaseUrl));
  const ask = (path: string, accept: string) =>
    fetch(cut.url + path, { headers: { "coder-session-token": owner.token, accept } });
  expect((await ask("/api/v2/users/me", "*/*")).status).toBe(200);
  proxy.refuse();
  for (const [path, accept] of [
    ["/api/v2/users/me", "*/*"],
    [`/api/v2/workspaces/${randomUUID()}`, "*/*"],
    ["/", "text/html"],
    ["/login?redirect=/cli-auth", "text/html"],
  ] as const) {
    const answer = await ask(path, accept);
    expect([path, answer.status, answer.headers.get("retry-after")]).toEqual([path, 503, "2"]);
  }
  expect((await ask("/api/v2/buildinfo", "*/*")).status).toBe(200); // what needs no database goes on
  proxy.heal();
  await eventually(async () => expect((await ask("/api/v2/users/me", "*/*")).status).toBe(200));
});
