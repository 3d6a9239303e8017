import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { clientAddress } from "./client-address.ts";

function ask(trusted: string[], peer: string | undefined, headers: Record<string, string>): string {
  const addressOf = clientAddress(["X-Real-Ip", "X-Forwarded-For"], trusted);
  return addressOf({ socket: { remoteAddress: peer }, headers } as unknown as IncomingMessage);
}

test.each<[string, string[], string | undefined, Record<string, string>, string]>([
  ["nobody is trusted", [], "10.0.0.1", { "x-forwarded-for": "1.2.3.4" }, "10.0.0.1"],
  ["the peer is no trusted proxy", ["10.0.0.0/8"], "11.0.0.1", { "x-real-ip": "1.2.3.4" }, "11.0.0.1"],
  ["the proxy names the client", ["10.0.0.0/8"], "10.0.0.1", { "x-real-ip": "1.2.3.4" }, "1.2.3.4"],
  [
    "a client forges what it can",
    ["10.0.0.0/8"],
    "10.0.0.1",
    { "x-forwarded-for": "6.6.6.6, 1.2.3.4" },
    "1.2.3.4",
  ],
  ["two proxies in a row", ["10.0.0.0/8"], "10.0.0.1", { "x-forwarded-for": "1.2.3.4, 10.9.9.9" }, "1.2.3.4"],
  ["a dual-stack socket", ["10.0.0.1"], "::ffff:10.0.0.1", { "x-real-ip": "2001:db8::1" }, "2001:db8::1"],
  ["rubbish in the header", ["10.0.0.1"], "10.0.0.1", { "x-real-ip": "me" }, "10.0.0.1"],
  ["a Unix socket", ["10.0.0.1"], undefined, {}, "unix"],
])("%s", (_, trusted, peer, headers, address) => expect(ask(trusted, peer, headers)).toBe(address));

test.each(["10.0.0.0/33", "proxy", "10.0.0.0/8/8", "::1/129", "10.0.0.0/x"])("%s is no origin", (origin) =>
  expect(() => clientAddress([], ["::1", origin])).toThrow(/CODER_PROXY_TRUSTED_ORIGINS/),
);
