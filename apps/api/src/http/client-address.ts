import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { ConfigError } from "@berth/config";

/** Finds out who really asks, behind proxies that are trusted to say so. */
export type ClientAddress = (request: IncomingMessage) => string;

/**
 * Reads the first present of `headers`, from peers within `origins` only; several addresses are read from the right.
 * @throws ConfigError naming what is no address
 */
export function clientAddress(headers: readonly string[], origins: readonly string[]): ClientAddress {
  const trusted = blockListOf(origins);
  const isTrusted = (address: string) => isIP(address) !== 0 && trusted.check(address, familyOf(address));
  return (request) => {
    const peer = plain(request.socket.remoteAddress ?? "unix");
    if (!isTrusted(peer)) return peer;
    const header = headers
      .map((name) => request.headers[name.toLowerCase()])
      .find((value) => value !== undefined);
    const named = (typeof header === "string" ? header : (header ?? []).join(","))
      .split(",")
      .map((part) => plain(part.trim()))
      .filter((part) => isIP(part) !== 0);
    return named.findLast((address) => !isTrusted(address)) ?? named[0] ?? peer;
  };
}

const familyOf = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4");

/** IPv4 as such, also where a dual-stack socket shows it inside IPv6. */
const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/, "");

function blockListOf(origins: readonly string[]): BlockList {
  const blocks = new BlockList();
  const mistaken = origins.filter((origin) => !isOrigin(origin));
  if (mistaken.length > 0) throw wrongOrigins(mistaken);
  for (const origin of origins) {
    const [address = "", bits] = origin.split("/");
    if (bits === undefined) blocks.addAddress(address, familyOf(address));
    else blocks.addSubnet(address, Number(bits), familyOf(address));
  }
  return blocks;
}

function isOrigin(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  if (rest.length > 0 || isIP(address) === 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIP(address) === 6 ? 128 : 32));
}

const wrongOrigins = (mistaken: readonly string[]) =>
  new ConfigError([
    {
      variable: "CODER_PROXY_TRUSTED_ORIGINS",
      value: mistaken.join(","),
      expected: "addresses or CIDR ranges, such as 10.0.0.0/8,::1",
      mend: "Write each proxy's address, or the range it is in",
    },
  ]);
