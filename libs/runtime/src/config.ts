import { address, duration, flag, path, section } from "@berth/config";

/** What every process of services may be told, whatever its services are. */
export const processConfig = section({
  listen: address(
    "CODER_HTTP_ADDRESS",
    "127.0.0.1:3000",
    "The one listener: HTTP, WebSocket, DERP and gRPC",
    {
      aliases: ["CODER_ADDRESS"],
    },
  ),
  tls: flag("CODER_TLS_ENABLE", false, "Speak TLS on the listener"),
  tlsCert: path("CODER_TLS_CERT_FILE", "Certificate chain, PEM"),
  tlsKey: path("CODER_TLS_KEY_FILE", "The certificate's key, PEM"),
  dataFolder: path("CODER_CONFIG_DIR", defaultDataFolder(), "Folder for sockets and data of this process", {
    shown: "~/.config/berth; as root /var/lib/berth",
  }),
  lameDuckMs: duration(
    "CODER_DRAIN_LAME_DUCK",
    "5s",
    "How long a process that was told to end still takes clients, so that balancers can notice",
  ),
  drainMs: duration(
    "CODER_DRAIN_TIMEOUT",
    "60s",
    "How long what is open may then take to end; SIGHUP sets no limit",
  ),
  prometheus: flag("CODER_PROMETHEUS_ENABLE", false, "Serve Prometheus metrics"),
  prometheusAddress: address("CODER_PROMETHEUS_ADDRESS", "127.0.0.1:2112", "Where metrics are served"),
});

/** Postgres' own user must reach the data of a server that runs as root, and cannot look into /root. */
function defaultDataFolder(): string {
  return process.getuid?.() === 0 ? "/var/lib/berth" : "~/.config/berth";
}
