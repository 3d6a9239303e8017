import { type ValuesOf, duration, list, path, secret, section, tags, text } from "@berth/config";

/** What a daemon may be told. */
export const daemonConfig = section({
  urls: list(
    "CODER_URL",
    "",
    "Where the control plane is: its access URL, or several targets in the order to try them",
  ),
  key: secret("CODER_PROVISIONER_DAEMON_KEY", "Provisioner key; it carries the daemon's tags"),
  preSharedKey: secret("CODER_PROVISIONER_DAEMON_PSK", "Pre-shared key, as the server has it"),
  builtIn: secret("CODER_PROVISIONER_DAEMON_BUILTIN", "Set by a server for the daemons it starts itself"),
  name: text("CODER_PROVISIONER_DAEMON_NAME", "Name of this daemon; by default the host's"),
  tags: tags(
    "CODER_PROVISIONERD_TAGS",
    "",
    "Tags of the jobs this daemon takes, unless its key carries them",
    {
      flag: "tag",
    },
  ),
  cacheFolder: path(
    "CODER_CACHE_DIRECTORY",
    "~/.cache/berth",
    "Folder of this daemon alone: identity, archives, plugins, builds",
  ),
  forceCancelMs: duration(
    "CODER_PROVISIONER_FORCE_CANCEL_INTERVAL",
    "10m",
    "How long Terraform may take to end by itself after a cancellation",
  ),
  dataHome: path(
    "XDG_DATA_HOME",
    "~/.local/share",
    "Where the id of this machine is kept, in berth/machine-id",
  ),
});

/** What a daemon was told. */
export type DaemonConfig = ValuesOf<typeof daemonConfig>;
