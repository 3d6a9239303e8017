import { expect, test } from "vitest";
import { escaped } from "./layout.ts";
import { localPath } from "./routes.ts";

test.each([
  ["/cli-auth", "/cli-auth"],
  ["/a?b=c", "/a?b=c"],
  ["//evil.example", "/"],
  ["/\\evil.example", "/"],
  ["/.//evil.example", "/"],
  ["/x/..//evil.example", "/"],
  ["/\t/evil.example", "/"],
  ["https://evil.example", "/"],
  ["javascript:alert(1)", "/"],
  [null, "/"],
])("after the log-in %j leads to %j", (asked, path) => expect(localPath(asked)).toBe(path));

test("what people wrote stays text", () => {
  expect(escaped(`<b>"'&`)).toBe("&#60;b&#62;&#34;&#39;&#38;");
});
