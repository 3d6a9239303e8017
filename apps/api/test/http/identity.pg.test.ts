import { afterAll, beforeAll, expect, test } from "vitest";
import { routes, type HttpClient } from "@berth/http-api";
import { PASSWORD, addUser, clientOf, firstUser, logIn, refusal } from "./people.ts";
import { type TestApi, startApi } from "./plane.ts";

let api: TestApi;
let owner: HttpClient & { readonly token: string };

beforeAll(async () => {
  api = await startApi();
  owner = await firstUser(api.url);
});
afterAll(() => api[Symbol.asyncDispose]());

const whoami = (headers: Record<string, string>, query = "", method = "GET", path = "/api/v2/users/me") =>
  fetch(`${api.url}${path}${query}`, { method, headers });

test("of ten first users at once exactly one is made", async () => {
  await using fresh = await startApi();
  const attempts = Array.from({ length: 10 }, (_, at) =>
    refusal(
      clientOf(fresh.url).call(routes.createFirstUser, {
        body: { email: `u${at}@example.com`, username: `u${at}`, password: PASSWORD },
      }),
    ),
  );
  const outcomes = await Promise.all(attempts);
  expect(outcomes.filter((outcome) => outcome === "it did not fail")).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome !== "it did not fail")).toMatchObject(
    Array.from({ length: 9 }, () => ({ status: 400 })),
  );
});

test("a token is good in the header, the cookie and the query, and on every replica", async () => {
  const { url } = await api.startReplica();
  for (const base of [api.url, url]) {
    const ask = (headers: Record<string, string>, query = "") =>
      fetch(`${base}/api/v2/users/me${query}`, { headers });
    expect((await ask({ "coder-session-token": owner.token })).status).toBe(200);
    expect((await ask({ cookie: `a=b; coder_session_token=${owner.token}` })).status).toBe(200);
    expect((await ask({}, `?coder_session_token=${owner.token}`)).status).toBe(200);
    expect((await ask({})).status).toBe(401);
  }
});

test("a token has ten letters, a hyphen and twenty-two more, and only its hash is kept", async () => {
  expect(owner.token).toMatch(/^[A-Za-z0-9]{10}-[A-Za-z0-9]{22}$/);
  const secret = owner.token.split("-")[1] ?? "";
  const rows = await api.database.sql`select to_jsonb(key) as row from api.api_key key`;
  const [hash] = await api.database.sql<{ password_hash: string }[]>`select password_hash from api.user`;
  expect(JSON.stringify(rows)).not.toContain(secret);
  expect(hash?.password_hash).toMatch(/^scrypt\$/);
  const forged = owner.token.slice(0, -1) + (owner.token.endsWith("a") ? "b" : "a");
  expect((await whoami({ "coder-session-token": forged })).status).toBe(401);
});

test("an expired token says so in the words that clients look for", async () => {
  const { key } = await owner.call(routes.createToken, {
    params: { user: "me" },
    body: { token_name: "old" },
  });
  await api.database
    .sql`update api.api_key set expires_at = now() - interval '1 second' where token_name = 'old'`;
  expect(
    await refusal(clientOf(api.url, key).call(routes.getUser, { params: { user: "me" } })),
  ).toMatchObject({
    status: 401,
    detail: expect.stringContaining("API key expired") as string,
  });
});

test("a session that is used lives on, a token ends when it was said to", async () => {
  const session = await logIn(api.url, "ada@example.com");
  await owner.call(routes.createToken, { params: { user: "me" }, body: { token_name: "fixed" } });
  const { key } = await owner.call(routes.createToken, {
    params: { user: "me" },
    body: { token_name: "used" },
  });
  await api.database.sql`
    update api.api_key set last_used_at = now() - interval '1 hour', expires_at = now() + interval '5 minutes'`;
  await session.call(routes.getUser, { params: { user: "me" } });
  await clientOf(api.url, key).call(routes.getUser, { params: { user: "me" } });
  const rows = await api.database.sql`
    select token_name, expires_at > now() + interval '1 hour' as longer from api.api_key
    where id = ${session.token.slice(0, 10)} or token_name = 'used' order by token_name`;
  expect([...rows]).toEqual([
    { token_name: "", longer: true },
    { token_name: "used", longer: false },
  ]);
});

test("a session that was left is over, and its cookie with it", async () => {
  const session = await logIn(api.url, "ada@example.com");
  const left = await fetch(`${api.url}/api/v2/users/logout`, {
    method: "POST",
    headers: { cookie: `coder_session_token=${session.token}` },
  });
  expect(left.headers.get("set-cookie")).toMatch(/^coder_session_token=; .*Max-Age=0/);
  expect((await whoami({ "coder-session-token": session.token })).status).toBe(401);
});

test("a wrong password and an unknown e-mail are told in the same words", async () => {
  const attempt = (email: string) =>
    refusal(clientOf(api.url).call(routes.logIn, { body: { email, password: "wrong" } }));
  const [known, unknown] = [await attempt("ada@example.com"), await attempt("nobody@example.com")];
  expect(known).toMatchObject({ status: 401 });
  expect(known).toEqual(unknown);
});

test("a suspended user is let in nowhere", async () => {
  const bob = await addUser(owner, "bob");
  await api.database.sql`update api.user set status = 'suspended' where username = 'bob'`;
  expect(await refusal(bob.call(routes.getUser, { params: { user: "me" } }))).toMatchObject({ status: 401 });
  expect(await refusal(logIn(api.url, "bob@example.com"))).toMatchObject({ status: 401 });
});

test("a page of another origin cannot act with a browser's cookie, our own can, and a token needs no origin", async () => {
  const cookie = `coder_session_token=${owner.token}`;
  const host = new URL(api.url).host;
  const make = (headers: Record<string, string>) => whoami(headers, "", "POST", "/api/v2/users/me/keys");
  expect((await make({ cookie, origin: "https://evil.example" })).status).toBe(403);
  expect((await make({ cookie, "sec-fetch-site": "same-site" })).status).toBe(403);
  expect((await make({ cookie, "sec-fetch-site": "cross-site", origin: `http://${host}` })).status).toBe(403);
  expect((await make({ cookie, origin: `http://${host}` })).status).toBe(201);
  expect((await make({ cookie, "sec-fetch-site": "same-origin" })).status).toBe(201);
  expect((await make({ "coder-session-token": owner.token, origin: "https://evil.example" })).status).toBe(
    201,
  );
});

test("a foreign page can neither log this browser in nor become the first user of a server on this machine", async () => {
  await using fresh = await startApi();
  const post = (path: string, headers: Record<string, string>) =>
    fetch(`${fresh.url}/api/v2/users/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify({ email: "ada@example.com", username: "ada", password: PASSWORD }),
    });
  for (const headers of [
    { origin: "https://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
  ])
    for (const path of ["first", "login"])
      expect([path, headers, (await post(path, headers)).status]).toEqual([path, headers, 403]);
  expect((await post("first", { origin: fresh.url })).status).toBe(201);
  expect((await post("login", {})).status).toBe(201);
});

test("behind a proxy that renames the host our own page is known by the access URL", async () => {
  const behind = await api.startReplica({ CODER_ACCESS_URL: "http://berth.example" });
  const make = (origin: string) =>
    fetch(`${behind.url}/api/v2/users/me/keys`, {
      method: "POST",
      headers: { cookie: `coder_session_token=${owner.token}`, origin },
    });
  expect((await make("http://berth.example")).status).toBe(201);
  expect((await make("http://evil.example")).status).toBe(403);
});

test("nobody is called me", async () => {
  const body = { email: "me@example.com", username: "Me", password: PASSWORD };
  expect(await refusal(owner.call(routes.createUser, { body }))).toMatchObject({
    status: 400,
    validations: [{ field: "username" }],
  });
});
