import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestApi, startApi } from "./plane.ts";
import { firstUser } from "./people.ts";

let api: TestApi;

beforeAll(async () => (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

async function page(path: string, token = "") {
  const headers = { accept: "text/html", ...(token !== "" && { cookie: `coder_session_token=${token}` }) };
  const answer = await fetch(api.url + path, { headers, redirect: "manual" });
  return { status: answer.status, html: await answer.text(), headers: answer.headers };
}

test("a browser is led from nothing to the first user, to a log-in, to a token", async () => {
  expect(await page("/")).toMatchObject({
    status: 200,
    html: expect.stringContaining("Create the first user") as string,
  });
  const { token } = await firstUser(api.url);
  expect(await page("/cli-auth")).toMatchObject({
    status: 200,
    html: expect.stringContaining('data-next="/cli-auth"') as string,
  });
  expect((await page("/", token)).html).toContain("Welcome, ada");
  expect((await page("/cli-auth", token)).html).toContain("Whoever has it acts as ada");
  const there = await page("/login?redirect=%2Fcli-auth", token);
  expect([there.status, there.headers.get("location")]).toEqual([303, "/cli-auth"]);
  const away = await page("/login?redirect=%2F%2Fevil.example", token);
  expect(away.headers.get("location")).toBe("/");
});

test("a page runs its own script and no other", async () => {
  const { html, headers } = await page("/");
  const [, nonce] = /<script nonce="([^"]+)">/.exec(html) ?? [];
  expect(headers.get("content-security-policy")).toContain(`script-src 'nonce-${nonce ?? ""}'`);
  for (const rule of [
    "default-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ])
    expect(headers.get("content-security-policy")).toContain(rule);
  expect([headers.get("cache-control"), headers.get("x-content-type-options")]).toEqual([
    "no-store",
    "nosniff",
  ]);
  expect((await page("/")).html).not.toContain(nonce);
});

test("a path that leads nowhere shows a page that leads back", async () => {
  expect(await page("/templates/x")).toMatchObject({
    status: 404,
    html: expect.stringContaining('href="/"') as string,
  });
  const document = await fetch(`${api.url}/openapi.json`);
  expect(await document.json()).toMatchObject({ openapi: "3.1.0" });
});
