/** Why a packet was dropped; the names are those that dashboards of stock relays know. */
export type DropReason =
  "unknown_dest" | "unknown_dest_on_fwd" | "queue_head" | "gone_disconnected" | "mesh_backlog";

/** Counts of the hot path: plain numbers, because a labelled counter costs more than forwarding a packet does. */
export class Tally {
  packetsReceived = 0;
  bytesReceived = 0;
  packetsSent = 0;
  bytesSent = 0;
  packetsForwardedOut = 0;
  packetsForwardedIn = 0;
  accepts = 0;
  refusals = 0;
  pings = 0;
  pongs = 0;
  peerGoneDisconnected = 0;
  peerGoneNotHere = 0;
  writeTimeouts = 0;
  readonly dropped: Record<DropReason, number> = {
    unknown_dest: 0,
    unknown_dest_on_fwd: 0,
    queue_head: 0,
    gone_disconnected: 0,
    mesh_backlog: 0,
  };
}
