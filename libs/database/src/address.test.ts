import { expect, test } from "vitest";
import { Secret } from "@berth/std";
import { parseAddress } from "./address.ts";

const parse = (url: string) => parseAddress(new Secret(url), "CODER_PG_CONNECTION_URL");

test("a URL's parts are decoded, and what it leaves out has defaults", async () => {
  const address = parse("postgres://ada:p%40ss@db.example.com/berth?sslmode=verify-full&sslrootcert=/ca.pem");
  expect(address).toMatchObject({
    ...{ host: "db.example.com", port: 5432, user: "ada", database: "berth" },
    tls: { mode: "verify-full", rootCertificate: "/ca.pem" },
    parameters: {},
  });
  await address.password.refresh();
  expect(address.password.value).toBe("p@ss");
});

test("a folder as host means the Unix socket in it, and an IPv6 host loses its brackets", () => {
  expect(parse("postgres:///berth?host=/run/postgresql").host).toBe("/run/postgresql");
  expect(parse("postgres://ada@[::1]:6432/berth")).toMatchObject({ host: "::1", port: 6432 });
});

test("run-time parameters are passed on", () => {
  expect(parse("postgres://ada@db/berth?search_path=x&connect_timeout=5").parameters).toEqual({
    search_path: "x",
  });
});

test.each([
  ["mysql://ada@db/berth", /not a Postgres URL/],
  ["postgres://ada:pa/ss@db/berth", /percent-encoded/],
  ["postgres://ada@db/berth?sslmode=on", /sslmode=on is not known.*verify-full/],
  ["postgres:///berth", /names no host/],
  ["postgres://ada:word%0A@db/berth", /white space at its beginning or end/],
])("%s is refused by the variable's name", (url, reason) => {
  expect(() => parse(url)).toThrow(reason);
  expect(() => parse(url)).toThrow(/^CODER_PG_CONNECTION_URL/);
});

test("no refusal shows the password", () => {
  expect(() => parse("postgres://ada:secret#word@db/berth?sslmode=on")).toThrow(/^(?!.*secret).*$/s);
});
