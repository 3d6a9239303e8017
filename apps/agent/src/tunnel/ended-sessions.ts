import type { agent } from "@berth/contract";
import type { TicketClaims } from "@berth/tunnel";

/** No ticket lives longer: an older ending concerns none. */
const KEPT_MS = 13 * 60 * 60_000;

/** Whose sessions were ended, as far as a ticket of theirs may still be good. */
export class EndedSessions {
  readonly #endings = new Map<string, agent.EndSessions>();

  add(ending: agent.EndSessions): void {
    const key = [...ending.userIds, ...ending.ticketIds, ending.issuedBefore?.toISOString()].join(" ");
    this.#endings.set(key, ending);
    for (const [old, { issuedBefore }] of this.#endings)
      if (issuedBefore !== undefined && Date.now() - issuedBefore.getTime() > KEPT_MS)
        this.#endings.delete(old);
  }

  has(ticket: TicketClaims): boolean {
    return [...this.#endings.values()].some((ending) => concerns(ending, ticket));
  }
}

function concerns({ userIds, ticketIds, issuedBefore }: agent.EndSessions, ticket: TicketClaims): boolean {
  if (ticketIds.includes(ticket.ticketId)) return true;
  if (ticket.userId === undefined || !userIds.includes(ticket.userId)) return false;
  return issuedBefore === undefined || ticket.issuedAt < issuedBefore.getTime();
}
