import type { RelayAddress } from "./types.ts";

/** The part of a DERPMap (Tailscale's JSON form) that says where relays are. */
interface RelayMap {
  readonly Regions?: Readonly<Record<string, RelayRegion | null>> | null;
}

interface RelayRegion {
  readonly EmbeddedRelay?: boolean;
  readonly RegionID?: number;
  readonly RegionName?: string;
  readonly Nodes?: readonly RelayNode[] | null;
}

interface RelayNode {
  readonly HostName?: string;
  readonly DERPPort?: number;
  readonly ForceHTTP?: boolean;
  readonly STUNOnly?: boolean;
}

/**
 * The relays of a map in the order they should be tried: the embedded region first, the others by their number. The embedded
 * relay is reached at the URL by which its reader reaches the plane, whatever host the map names.
 */
export function readRelayMap(
  json: string,
  options: { readonly planeUrl: string; readonly forceWebSocket?: boolean },
): RelayAddress[] {
  const map = JSON.parse(json) as RelayMap | null; // every field is looked at as one that may be missing
  return Object.values(map?.Regions ?? {})
    .filter((region) => region !== null)
    .sort((a, b) => rank(a) - rank(b))
    .flatMap((region) => addressesOf(region, options.planeUrl))
    .map((address) => (options.forceWebSocket === true ? { ...address, forceWebSocket: true } : address));
}

const rank = (region: RelayRegion): number => (region.EmbeddedRelay === true ? -1 : (region.RegionID ?? 0));

function addressesOf(region: RelayRegion, planeUrl: string): RelayAddress[] {
  const { RegionID: regionId = 0, RegionName: regionName = "" } = region;
  if (region.EmbeddedRelay === true) return [{ url: new URL(planeUrl).origin, regionId, regionName }];
  return (region.Nodes ?? [])
    .filter((node) => node.STUNOnly !== true && node.HostName !== undefined)
    .map((node) => ({ url: urlOf(node), regionId, regionName }));
}

function urlOf({ HostName = "", DERPPort = 0, ForceHTTP = false }: RelayNode): string {
  const host = HostName.includes(":") ? `[${HostName}]` : HostName;
  const port = DERPPort === 0 ? "" : `:${DERPPort}`;
  return `${ForceHTTP ? "http" : "https"}://${host}${port}`;
}
