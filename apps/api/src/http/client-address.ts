import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** Finds out who really asks, behind proxies that are trusted to say so. */
export type ClientAddress = (request: IncomingMessage) => string;

/** Reads the first present of `headers`, from peers within `origins` only; several addresses are read from the right. */
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
  for (const origin of origins) {
    const [address = "", bits] = origin.split("/");
    if (bits === undefined) blocks.addAddress(address, familyOf(address));
    else blocks.addSubnet(address, Number(bits), familyOf(address));
  }
  return blocks;
}
