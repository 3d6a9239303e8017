import { expect, test } from "vitest";
import { deriveAccessUrl } from "./access-url.ts";

test.each([
  ["127.0.0.1:3000", false, "http://127.0.0.1:3000/"],
  ["localhost:80", false, "http://localhost/"],
  ["[::1]:3000", true, "https://[::1]:3000/"],
  ["berth.example.com:443", true, "https://berth.example.com/"],
])("a listener at %s is reached there", (address, tls, url) =>
  expect(deriveAccessUrl(address, { tls }).href).toBe(url),
);

test("a listener on every address is reached at one that exists", () => {
  for (const address of ["0.0.0.0:3000", "[::]:3000"])
    expect(deriveAccessUrl(address, { tls: false }).hostname).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
});
