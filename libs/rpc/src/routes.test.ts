import fc from "fast-check";
import { expect, test } from "vitest";
import { Routes, pathOf } from "./routes.ts";

test("of the paths that match, the longest is found", () => {
  const segment = fc.constantFrom("a", "b", "c");
  const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
  const pattern = fc.oneof(
    path,
    path.map((one) => `${one === "/" ? "" : one}/*`),
  );
  fc.assert(
    fc.property(fc.uniqueArray(pattern, { maxLength: 12 }), path, (patterns, asked) => {
      const routes = new Routes<string>();
      for (const one of patterns) routes.add(one, one);
      const matching = patterns.filter((one) =>
        one.endsWith("/*") ? asked.startsWith(one.slice(0, -1)) : one === asked,
      );
      const exact = matching.find((one) => !one.endsWith("*"));
      const longest = matching.toSorted((a, b) => b.length - a.length)[0];
      expect(routes.find(asked)?.value).toBe(exact ?? longest);
    }),
  );
});

test("the path of a target stands without its query, and without a proxy's host", () => {
  expect(pathOf("/api?x=/y#z")).toBe("/api");
  expect(pathOf("http://berth.example.com/derp?a")).toBe("/derp");
  expect(pathOf("http://berth.example.com")).toBe("/");
  expect(pathOf(undefined)).toBe("/");
});
