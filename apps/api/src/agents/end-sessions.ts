import { randomUUID } from "node:crypto";
import type { agent } from "@berth/contract";
import type { Hints } from "@berth/coordination";
import type { Queryable } from "@berth/database";
import { channels } from "../channels.ts";

/** A ticket lives no longer: older endings need not be told. */
const TICKET_LIFE = "13 hours";

/** Ends the tunnel sessions of a user, or of one ticket, at every agent, in the caller's transaction. */
export async function endSessions(
  sql: Queryable,
  hints: Hints,
  whose: { readonly userId: string } | { readonly ticketId: string },
): Promise<void> {
  const id = randomUUID();
  await sql`
    insert into api.session_end (id, user_id, ticket_id, issued_before)
    values (${id}, ${"userId" in whose ? whose.userId : null}, ${"ticketId" in whose ? whose.ticketId : null}, now())`;
  await hints.notify(sql, channels.sessionsEnded, id);
}

/** Everything an agent must have ended: sent on each new stream and again at each change. */
export async function endedSessions(sql: Queryable): Promise<agent.EndSessions[]> {
  const rows = await sql<{ user_id: string | null; ticket_id: string | null; issued_before: Date }[]>`
    select user_id, ticket_id, issued_before from api.session_end
    where at > now() - ${TICKET_LIFE}::interval order by at`;
  return rows.map((row) => ({
    userIds: row.user_id === null ? [] : [row.user_id],
    ticketIds: row.ticket_id === null ? [] : [row.ticket_id],
    issuedBefore: row.issued_before,
  }));
}
