import { expect, test } from "vitest";
import fc from "fast-check";
import { requestUrl } from "./request-url.ts";

test.each([
  ["/api/v2/users?q=a", "/api/v2/users", "?q=a"],
  ["//api/v2/users", "/api/v2/users", ""],
  ["http://berth.example/derp", "/derp", ""],
  ["/\\[", "/", ""],
  ["http://[", "/", ""],
])("%s asks for %s", (target, path, search) => {
  const { pathname, search: found } = requestUrl({ url: target });
  expect([pathname, found]).toEqual([path, search]);
});

test("whatever stands there, a URL comes of it", () => {
  fc.assert(fc.property(fc.string(), (url) => requestUrl({ url }) instanceof URL));
});
