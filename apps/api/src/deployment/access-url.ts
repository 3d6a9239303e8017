import { networkInterfaces } from "node:os";

/**
 * Where the deployment is reached when nobody said: the listener's address, or, where it listens on every address, the
 * first that others can reach.
 */
export function deriveAccessUrl(address: string, { tls }: { readonly tls: boolean }): URL {
  const at = address.lastIndexOf(":");
  const [host, port] = [address.slice(0, at).replace(/^\[|\]$/g, ""), address.slice(at + 1)];
  const shown = host === "0.0.0.0" || host === "::" || host === "" ? reachableAddress() : host;
  return new URL(`${tls ? "https" : "http"}://${shown.includes(":") ? `[${shown}]` : shown}:${port}`);
}

function reachableAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "127.0.0.1";
}
