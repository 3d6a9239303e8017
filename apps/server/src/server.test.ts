import { expect, test } from "vitest";
import { namesPostgres } from "./embedded-postgres.ts";
import { ownUrl } from "./greeting.ts";
import { services } from "./services.ts";

test.each([
  ["127.0.0.1:3000", "http://127.0.0.1:3000"],
  ["0.0.0.0:8080", "http://127.0.0.1:8080"],
  [":::8080", "http://127.0.0.1:8080"],
  ["[::]:80", "http://127.0.0.1:80"],
  ["10.0.0.1:80", "http://10.0.0.1:80"],
])("a listener at %s is reached from this machine at %s", (address, url) => {
  expect(ownUrl(address)).toBe(url);
});

test("an embedded Postgres is started only where no other is named", () => {
  expect(namesPostgres({})).toBe(false);
  expect(namesPostgres({ CODER_PG_CONNECTION_URL: "" })).toBe(false);
  expect(namesPostgres({ CODER_PG_CONNECTION_URL: "postgres://db/berth" })).toBe(true);
  expect(namesPostgres({ DB_HOST: "db" })).toBe(true);
});

test("supporting services start first and end last", () => {
  expect(services.map(({ name }) => name).slice(0, 3)).toEqual(["replica-registry", "relay-mesh", "api"]);
});
