import type { Counter, Metrics } from "@berth/telemetry";
import type { Relay } from "./relay.ts";
import type { DropReason } from "./tally.ts";

const PREFIX = "coder_derp_server_";

/** Copies the relay's plain counts into the process's metrics whenever those are asked for. */
export function exposeRelay(metrics: Metrics, relay: Relay): Disposable {
  const { tally } = relay;
  const counts: readonly [Counter, () => number][] = [
    counted(metrics, "packets_received_total", "Packets received from clients", () => tally.packetsReceived),
    counted(
      metrics,
      "bytes_received_total",
      "Bytes of packets received from clients",
      () => tally.bytesReceived,
    ),
    counted(metrics, "packets_sent_total", "Packets handed to clients", () => tally.packetsSent),
    counted(metrics, "bytes_sent_total", "Bytes of packets handed to clients", () => tally.bytesSent),
    counted(
      metrics,
      "packets_forwarded_out_total",
      "Packets forwarded to sibling relays",
      () => tally.packetsForwardedOut,
    ),
    counted(
      metrics,
      "packets_forwarded_in_total",
      "Packets forwarded by sibling relays",
      () => tally.packetsForwardedIn,
    ),
    counted(metrics, "accepts_total", "Clients admitted", () => tally.accepts),
    counted(metrics, "refusals_total", "Clients refused for want of a good ticket", () => tally.refusals),
    counted(metrics, "got_ping_total", "Pings of clients", () => tally.pings),
    counted(
      metrics,
      "peer_gone_disconnected_frames_total",
      "PeerGone frames for keys that left",
      () => tally.peerGoneDisconnected,
    ),
    counted(
      metrics,
      "peer_gone_not_here_frames_total",
      "PeerGone frames for unknown keys",
      () => tally.peerGoneNotHere,
    ),
    counted(
      metrics,
      "client_write_timeouts_total",
      "Clients closed because they took no data",
      () => tally.writeTimeouts,
    ),
  ];
  const dropped = metrics.counter(`${PREFIX}packets_dropped_total`, "Packets dropped", ["reason"]);
  const reasons = Object.keys(tally.dropped) as DropReason[]; // the keys of a literal
  const drops = reasons.map((reason) =>
    difference(
      () => tally.dropped[reason],
      (amount) => dropped.add(amount, { reason }),
    ),
  );
  const gauges = exposeGauges(metrics, relay);
  const copies = counts.map(([counter, read]) => difference(read, (amount) => counter.add(amount)));
  return metrics.onExpose(() => {
    for (const copy of [...copies, ...drops]) copy();
    gauges();
  });
}

function counted(metrics: Metrics, name: string, help: string, read: () => number): [Counter, () => number] {
  return [metrics.counter(PREFIX + name, help), read];
}

/** Adds what a count has grown by since the last time. */
function difference(read: () => number, add: (amount: number) => void): () => void {
  let copied = 0;
  return () => {
    const now = read();
    add(now - copied);
    copied = now;
  };
}

function exposeGauges(metrics: Metrics, relay: Relay): () => void {
  const connections = metrics.gauge(`${PREFIX}current_connections`, "Connections of clients");
  const home = metrics.gauge(
    `${PREFIX}current_home_connections`,
    "Connections that call this relay their home",
  );
  const clients = metrics.gauge(`${PREFIX}clients`, "Client keys known in the region, by where they are", [
    "where",
  ]);
  return () => {
    const count = relay.directory.count();
    connections.set(relay.connectionCount);
    home.set([...relay.connections].filter(({ isPreferred }) => isPreferred).length);
    clients.set(count.clients - count.remote, { where: "local" });
    clients.set(count.remote, { where: "remote" });
  };
}
