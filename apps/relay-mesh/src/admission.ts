import type { ClientInfo } from "@berth/derp";
import { type TicketKey, type TicketRefusal, verifyTicket } from "@berth/tunnel";

/** Whether a client that has proved its key may use this relay; asks nobody. */
export type Admission = (clientKey: Buffer, said: ClientInfo) => AdmissionVerdict;

/** The verdict, and why not. */
export type AdmissionVerdict =
  { readonly admitted: true } | { readonly admitted: false; readonly reason: TicketRefusal | "no ticket" };

/** Admits whoever shows a ticket of this deployment that was issued to its own key and is good for relays now. */
export function byTicket(deploymentId: string, keys: () => readonly TicketKey[]): Admission {
  return (clientKey, said) => {
    if (said.berthTicket === undefined) return { admitted: false, reason: "no ticket" };
    const verdict = verifyTicket(said.berthTicket, keys(), {
      purpose: "relay",
      now: Date.now(),
      deploymentId,
      bearerKey: clientKey.toString("hex"),
    });
    return verdict.valid ? { admitted: true } : { admitted: false, reason: verdict.reason };
  };
}

/** Admits any client, stock ones included. */
export const everybody: Admission = () => ({ admitted: true });
