import { ConfigError } from "@berth/config";
import type { MembershipConfig } from "./config.ts";

/** What is announced as this replica's relay URL, and what the operator should read about it, once. */
export interface AnnouncedRelay {
  /** Empty when it has none. */
  readonly url: string;
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

/** Where this process listens. */
export interface Listening {
  readonly port: number;
  readonly services: readonly string[];
}

const VARIABLE = "CODER_DERP_SERVER_RELAY_URL";

/**
 * Checks the relay URL before anything is opened.
 * @throws ConfigError when it is no URL, or the access URL: that is the load balancer's, and siblings would reach anybody
 */
export function checkRelayUrl({ relayUrl, accessUrl }: MembershipConfig): void {
  if (relayUrl === undefined) return;
  const url = readUrl(relayUrl);
  if (url.hostname !== accessUrl?.hostname || portOf(url) !== portOf(accessUrl)) return;
  throw new ConfigError([
    {
      variable: VARIABLE,
      value: relayUrl,
      expected: `it equals CODER_ACCESS_URL (${accessUrl.href}), which is the load balancer to all replicas`,
      mend: "Set it to this replica's own address, such as http://10.0.0.1:3000",
    },
  ]);
}

/** What is announced of the relay URL, which has been checked, by a process that listens there. */
export function announcedRelay(config: MembershipConfig, { port, services }: Listening): AnnouncedRelay {
  const given = config.relayUrl ?? "";
  const none = (...notes: string[]): AnnouncedRelay => ({ url: "", notes, warnings: [] });
  if (given === "") return none();
  if (!services.includes("relay-mesh")) return none(`${VARIABLE} is ignored: no relay runs in this process`);
  if (!config.relayEnabled) return none(`${VARIABLE} is ignored: CODER_DERP_SERVER_ENABLE is false`);
  if (config.relayMapUrl !== undefined || config.relayMapPath !== undefined)
    return none(
      `${VARIABLE} is ignored: custom relays are set (CODER_DERP_CONFIG_URL or CODER_DERP_CONFIG_PATH)`,
    );
  const url = readUrl(given);
  if (!/^[a-z]+:\/\/[^/?#]*:\d+(?:[/?#]|$)/i.test(given)) {
    url.port = String(port);
    const announced = trimmed(url);
    return {
      url: announced,
      notes: [`${VARIABLE} has no port: taking the listener's, ${announced}`],
      warnings: [],
    };
  }
  const warning = `${VARIABLE} is ${given}, but this process listens on port ${port}: unless something forwards the one to the other, set it to port ${port}`;
  return { url: trimmed(url), notes: [], warnings: portOf(url) === port ? [] : [warning] };
}

function readUrl(given: string): URL {
  const url = URL.parse(given);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== "") return url;
  throw new ConfigError([
    {
      variable: VARIABLE,
      value: given,
      expected: "expected a URL such as http://10.0.0.1:3000",
      mend: "Set it to this replica's own address as its siblings reach it",
    },
  ]);
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

/** Without the slash that URLs end in: paths are put behind it. */
function trimmed(url: URL): string {
  return url.href.replace(/\/$/, "");
}
