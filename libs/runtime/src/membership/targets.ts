import { lookup } from "node:dns/promises";

/**
 * Where registries are to be found now: a name with several addresses gives one target for each, in random order. A name
 * behind TLS stays as it is, because its certificate bears it.
 */
export async function registryTargets(
  urls: readonly string[],
  ownTarget: string,
): Promise<readonly string[]> {
  if (urls.length === 0) return [ownTarget];
  const found = await Promise.all(urls.map(addressesOf));
  return shuffled([...new Set(found.flat())]);
}

async function addressesOf(url: string): Promise<readonly string[]> {
  const parsed = URL.parse(/^(https?|unix):/.test(url) ? url : `http://${url}`);
  if (parsed?.protocol !== "http:") return [url];
  try {
    const addresses = await lookup(parsed.hostname.replace(/^\[|\]$/g, ""), { all: true });
    const port = parsed.port === "" ? "80" : parsed.port;
    return addresses.map(
      ({ address, family }) => `http://${family === 6 ? `[${address}]` : address}:${port}`,
    );
  } catch {
    return [url]; // dialing it says what is wrong
  }
}

function shuffled<T>(all: readonly T[]): readonly T[] {
  return all
    .map((one) => ({ one, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
