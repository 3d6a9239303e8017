import type { DerpMap } from "@berth/http-api";
import type { ApiConfig } from "../config.ts";

type RelayConfig = Pick<ApiConfig, "relayEnabled" | "relayRegionId" | "relayRegionCode" | "relayRegionName">;

const STUN_OFF = -1;

/** The embedded relay's region. Clients reach it at the URL they use for the plane; its host here is for stock DERP clients. */
export function derpMapOf(config: RelayConfig, accessUrl: URL): DerpMap {
  if (!config.relayEnabled) return { Regions: {}, omitDefaultRegions: true };
  const { relayRegionId: id, relayRegionCode, relayRegionName } = config;
  const secure = accessUrl.protocol === "https:";
  return {
    Regions: {
      [String(id)]: {
        EmbeddedRelay: true,
        RegionID: id,
        RegionCode: relayRegionCode,
        RegionName: relayRegionName,
        Nodes: [
          {
            Name: `${id}b`,
            RegionID: id,
            HostName: accessUrl.hostname,
            DERPPort: accessUrl.port === "" ? (secure ? 443 : 80) : Number(accessUrl.port),
            STUNPort: STUN_OFF,
            ForceHTTP: !secure,
          },
        ],
      },
    },
    omitDefaultRegions: true,
  };
}
