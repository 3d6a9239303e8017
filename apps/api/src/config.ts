import { type ValuesOf, count, duration, flag, list, merge, secret, section, text, url } from "@berth/config";
import { databaseConfig } from "@berth/database";

/** What clients are told about the relays of this deployment; the relay-mesh reads the same variables. */
const relays = section({
  relayEnabled: flag("CODER_DERP_SERVER_ENABLE", true, "Serve the embedded relay"),
  relayRegionId: count("CODER_DERP_SERVER_REGION_ID", 999, "Region id of the embedded relay"),
  relayRegionCode: text("CODER_DERP_SERVER_REGION_CODE", "berth", "Region code of the embedded relay"),
  relayRegionName: text("CODER_DERP_SERVER_REGION_NAME", "Berth", "Region name of the embedded relay"),
  derpForceWebSockets: flag(
    "CODER_DERP_FORCE_WEBSOCKETS",
    false,
    "Clients and agents reach relays over WebSocket",
  ),
  blockDirect: flag("CODER_BLOCK_DIRECT", false, "Sessions go over relays only"),
});

const http = section({
  accessUrl: url(
    "CODER_ACCESS_URL",
    "How everybody else reaches this deployment; derived from the listener when unset",
  ),
  apiRateLimit: count(
    "CODER_API_RATE_LIMIT",
    512,
    "Requests a minute, per user (or address) and route; 0 is no limit",
  ),
  disableRateLimits: flag(
    "CODER_DANGEROUS_DISABLE_RATE_LIMITS",
    false,
    "No rate limits at all, for load tests",
  ),
  proxyTrustedHeaders: list(
    "CODER_PROXY_TRUSTED_HEADERS",
    "",
    "Headers in which a trusted proxy names the client's address",
  ),
  proxyTrustedOrigins: list("CODER_PROXY_TRUSTED_ORIGINS", "", "Addresses or CIDR ranges of trusted proxies"),
  sessionDurationMs: duration("CODER_SESSION_DURATION", "24h", "How long an unused browser session lasts"),
  tokenLifetimeMs: duration("CODER_DEFAULT_TOKEN_LIFETIME", "168h", "Lifetime of keys that name none"),
  maxTokenLifetimeMs: duration(
    "CODER_MAX_TOKEN_LIFETIME",
    "876600h",
    "The longest lifetime a token may ask for",
  ),
  allowLocalTemplate: flag(
    "CODER_DANGEROUS_ALLOW_LOCAL_TEMPLATE",
    false,
    "Build templates that run as this machine's user even when others can reach the deployment",
  ),
  sshHostnamePrefix: text("CODER_SSH_HOSTNAME_PREFIX", "coder.", "Prefix of workspaces' host names for SSH"),
  hostnameSuffix: text(
    "CODER_WORKSPACE_HOSTNAME_SUFFIX",
    "coder",
    "Suffix of workspaces' host names for SSH",
  ),
});

const process = section({
  tls: flag("CODER_TLS_ENABLE", false, "Whether the listener speaks TLS"),
  embeddedPostgres: flag(
    "CODER_EMBEDDED_POSTGRES",
    false,
    "Set by the server itself where it runs its own Postgres; the local template is built only there",
  ),
  preSharedKey: secret("CODER_PROVISIONER_DAEMON_PSK", "Lets provisioner daemons in that have no key"),
});

/** Everything the api reads. */
export const apiConfig = merge(merge(databaseConfig, process), merge(http, relays));
export type ApiConfig = ValuesOf<typeof apiConfig>;
