export type * from "./types.ts";
export { generateKeyPair } from "@berth/derp";
export {
  signTicket,
  verifyTicket,
  type TicketKey,
  type TicketRefusal,
  type TicketSigningKey,
  type TicketUse,
  type TicketVerdict,
} from "./ticket.ts";
export { readRelayMap } from "./relay-map.ts";
export { RelayConnection, type RelayConnectionListener } from "./relay-connection.ts";
export { dial } from "./dial.ts";
export { accept } from "./accept.ts";
