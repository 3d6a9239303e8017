import { count, flag, list, section, text, url, type Section } from "@berth/config";

/** What joining the cluster is told. */
export interface MembershipConfig {
  readonly accessUrl: URL | undefined;
  /** As it was written: whether a port was, a URL no longer tells. */
  readonly relayUrl: string | undefined;
  readonly regionId: number;
  readonly relayEnabled: boolean;
  readonly relayMapUrl: string | undefined;
  readonly relayMapPath: string | undefined;
  readonly registryUrls: readonly string[];
}

/** The options of every process that joins the cluster. */
export const membershipConfig: Section<MembershipConfig> = section({
  accessUrl: url("CODER_ACCESS_URL", "Where users and workspaces reach this deployment: the load balancer"),
  relayUrl: text(
    "CODER_DERP_SERVER_RELAY_URL",
    "This replica as its siblings reach it, such as http://10.0.0.1:3000; never the access URL",
  ),
  regionId: count("CODER_DERP_SERVER_REGION_ID", 999, "The region of this replica's relay", { min: 1 }),
  relayEnabled: flag("CODER_DERP_SERVER_ENABLE", true, "Serve the embedded relay"),
  relayMapUrl: text("CODER_DERP_CONFIG_URL", "A map of relays of your own, instead of the embedded ones"),
  relayMapPath: text("CODER_DERP_CONFIG_PATH", "The same, in a file"),
  registryUrls: list(
    "CODER_REPLICA_REGISTRY_URL",
    "",
    "Where processes find a replica registry; one name with several addresses, or several; its own unless set",
  ),
});
