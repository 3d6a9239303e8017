import { expect, test } from "vitest";
import { Value } from "typebox/value";
import { CreateUser, openApi, routes, type Route } from "./index.ts";

const all: readonly Route[] = Object.values(routes);

test("every route is declared under its own id, once per method and path", () => {
  for (const [key, route] of Object.entries(routes)) expect(route.id).toBe(key);
  const places = all.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(places).size).toBe(places.length);
});

test("every route that changes something is audited, and none that does not", () => {
  for (const route of all)
    expect([route.id, route.audit !== undefined]).toEqual([route.id, route.method !== "GET"]);
});

test("the parameters of a path are those of its schema", () => {
  for (const route of all) {
    const named = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const { properties = {} } = (route.params ?? {}) as { properties?: object };
    expect([route.id, Object.keys(properties)]).toEqual([route.id, named]);
  }
});

test("the OpenAPI document resolves every reference it makes", () => {
  const document = openApi(all);
  const components = new Set(Object.keys((document["components"] as { schemas: object }).schemas));
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
    ([, n]) => n ?? "",
  );
  expect(references.length).toBeGreaterThan(30);
  for (const reference of references) expect(components).toContain(reference);
  expect(Object.keys(document["paths"] as object).length).toBe(new Set(all.map(({ path }) => path)).size);
});

test.each(["new", "Create", "a--b", "-a", "a-", "a_b", "", "a".repeat(33), "ü"])(
  "%j is no name for a user or a workspace",
  (username) => expect(Value.Check(CreateUser, { email: "a@b.co", username })).toBe(false),
);

test.each(["a", "newer", "A-1-b", "a".repeat(32)])("%j is a name", (username) =>
  expect(Value.Check(CreateUser, { email: "a@b.co", username })).toBe(true),
);
