import { ConfigError } from "@berth/config";
import type { DaemonConfig } from "./config.ts";

/** The header by which a daemon proves itself. */
export type Credentials = Readonly<Record<string, string>>;

/** @throws ConfigError unless there is exactly one proof, and tags only where the key does not carry them. */
export function credentialsOf(config: DaemonConfig): Credentials {
  const given = (
    [
      ["CODER_PROVISIONER_DAEMON_KEY", "coder-provisioner-daemon-key", config.key],
      ["CODER_PROVISIONER_DAEMON_PSK", "coder-provisioner-daemon-psk", config.preSharedKey],
      ["CODER_PROVISIONER_DAEMON_BUILTIN", "coder-provisioner-daemon-builtin", config.builtIn],
    ] as const
  ).flatMap(([variable, header, secret]) => (secret === undefined ? [] : [{ variable, header, secret }]));
  const [only] = given;
  if (only === undefined || given.length > 1)
    throw new ConfigError([
      {
        variable: given.map(({ variable }) => variable).join(", ") || "CODER_PROVISIONER_DAEMON_KEY",
        expected: given.length > 1 ? "only one of them" : "a provisioner key or a pre-shared key",
        mend: "Set CODER_PROVISIONER_DAEMON_KEY (`berth provisioner keys create`) or CODER_PROVISIONER_DAEMON_PSK",
      },
    ]);
  if (config.key !== undefined && Object.keys(config.tags).length > 0)
    throw new ConfigError([
      {
        variable: "CODER_PROVISIONERD_TAGS",
        expected: "no tags beside CODER_PROVISIONER_DAEMON_KEY",
        mend: "Leave them out: the key carries the tags it was created with",
      },
    ]);
  return { [only.header]: only.secret.reveal() };
}
