import { expect, test } from "vitest";
import { routes, urlOf } from "./index.ts";

test("parameters are encoded, and a base may have a path and a slash at its end", () => {
  const params = { user: "me", name: "a/b?c" };
  expect(urlOf("https://x.example/berth/", routes.getWorkspaceByName, params).href).toBe(
    "https://x.example/berth/api/v2/users/me/workspace/a%2Fb%3Fc",
  );
});

test("what is undefined is left out of the query", () => {
  const query = { q: undefined, limit: 0, follow: true };
  expect(urlOf("http://x", routes.listWorkspaces, {}, query).search).toBe("?limit=0&follow=true");
});

test("a parameter that is missing is named", () => {
  expect(() => urlOf("http://x", routes.getWorkspace)).toThrow(/parameter workspace is missing/);
});
