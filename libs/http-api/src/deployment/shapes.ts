import { Type, type Static } from "typebox";
import { flag, id, integer, list, map, object, optional, shape, text } from "../shape.ts";

/** What this deployment is; needs no log-in. */
export const BuildInfo = shape("BuildInfo", {
  external_url: text(),
  version: text(),
  dashboard_url: text(),
  telemetry: flag(),
  workspace_proxy: flag(),
  agent_api_version: text(),
  provisioner_api_version: text(),
  upgrade_message: text(),
  deployment_id: id(),
  webpush_public_key: optional(text()),
});
export type BuildInfo = Static<typeof BuildInfo>;

const Banner = object({ enabled: flag(), message: optional(text()), background_color: optional(text()) });

/** How the deployment presents itself. */
export const Appearance = shape("AppearanceConfig", {
  application_name: text(),
  logo_url: text(),
  docs_url: text(),
  service_banner: Banner,
  announcement_banners: list(Banner),
  support_links: optional(list(object({ name: text(), target: text(), icon: text() }))),
});
export type Appearance = Static<typeof Appearance>;

/** What clients write into an SSH configuration. */
export const SshConfig = shape("SSHConfigResponse", {
  hostname_prefix: text(),
  hostname_suffix: text(),
  ssh_config_options: map(),
});
export type SshConfig = Static<typeof SshConfig>;

const DerpNode = object({
  Name: text(),
  RegionID: integer(),
  HostName: text(),
  CertName: optional(text()),
  IPv4: optional(text()),
  IPv6: optional(text()),
  STUNPort: optional(integer()),
  STUNOnly: optional(flag()),
  DERPPort: optional(integer()),
  InsecureForTests: optional(flag()),
  ForceHTTP: optional(flag()),
  STUNTestIP: optional(text()),
  CanPort80: optional(flag()),
});

/** The relays by region. An embedded one is reached at the URL the client itself uses, plus `/derp`. */
export const DerpMap = shape("DERPMap", {
  Regions: Type.Record(
    Type.String(),
    object({
      EmbeddedRelay: flag(),
      RegionID: integer(),
      RegionCode: text(),
      RegionName: text(),
      Avoid: optional(flag()),
      Nodes: list(DerpNode),
    }),
  ),
  omitDefaultRegions: optional(flag()),
});
export type DerpMap = Static<typeof DerpMap>;
