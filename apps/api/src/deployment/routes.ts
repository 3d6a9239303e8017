import { openApi, routes } from "@berth/http-api";
import { version } from "@berth/std";
import { on, type Handled } from "../http/handler.ts";
import type { Plane } from "../plane.ts";

const PROVISIONER_API_VERSION = "1.0";
const AGENT_API_VERSION = "1.0";

/** The document is the same for every request. */
const DOCUMENT = openApi(Object.values(routes));

export const deploymentHandlers = ({ config, accessUrl, derpMap, secrets }: Plane): readonly Handled[] => [
  on(routes.getBuildInfo, () =>
    Promise.resolve({
      external_url: accessUrl.origin,
      version,
      dashboard_url: accessUrl.origin,
      telemetry: false,
      workspace_proxy: false,
      agent_api_version: AGENT_API_VERSION,
      provisioner_api_version: PROVISIONER_API_VERSION,
      upgrade_message: "",
      deployment_id: secrets.deploymentId,
    }),
  ),
  on(routes.getAppearance, () =>
    Promise.resolve({
      application_name: "Berth",
      logo_url: "",
      docs_url: "",
      service_banner: { enabled: false },
      announcement_banners: [],
      support_links: [],
    }),
  ),
  on(routes.getSshConfig, () =>
    Promise.resolve({
      hostname_prefix: config.sshHostnamePrefix,
      hostname_suffix: config.hostnameSuffix,
      ssh_config_options: {},
    }),
  ),
  on(routes.getDerpMap, () => Promise.resolve(derpMap)),
  on(routes.getOpenApi, () => Promise.resolve({ ...DOCUMENT })),
];
