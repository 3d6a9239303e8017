import type { Queryable } from "@berth/database";
import { agentStatus, type AgentStatus, type AgentTimes } from "./status.ts";
import { issueSessionTicket, type IssuedTicket, type TicketIssuer } from "./tickets.ts";

/** Who asks for a session. */
export interface SessionAsker {
  readonly userId: string;
  readonly roles: readonly string[];
}

/** What a client needs to open a session, or why it gets nothing. */
export type SessionOffer =
  | {
      readonly kind: "offered";
      readonly agentId: string;
      readonly agentName: string;
      readonly workspaceId: string;
      /** 64 lower-case hex digits. */
      readonly agentPublicKey: string;
      readonly sshHostKey: string;
      readonly ticket: IssuedTicket;
    }
  /** It does not exist, or the asker may not know that it does. */
  | { readonly kind: "unknown" }
  | { readonly kind: "not_connected"; readonly agentName: string; readonly status: AgentStatus };

interface AgentRow extends AgentTimes {
  name: string;
  workspace_id: string;
  owner_id: string;
  public_key: Buffer | null;
  ssh_host_key: string;
  now: Date;
}

/**
 * Signs a ticket for the asker's key, for a workspace's owner and site owners only. An agent that is silent for the moment can be
 * asked for as well: its key is known and it may be back sooner than its status.
 */
export async function offerSession(
  sql: Queryable,
  issuer: TicketIssuer,
  asker: SessionAsker,
  agentId: string,
  clientPublicKey: string,
): Promise<SessionOffer> {
  const [row] = await sql<AgentRow[]>`
    select agent.name, agent.workspace_id, workspace.owner_id, agent.public_key, agent.ssh_host_key, agent.created_at,
      agent.first_connected_at, agent.last_connected_at, agent.disconnected_at, agent.connection_timeout_seconds, now() as now
    from api.workspace_agent agent
    join api.workspace on workspace.id = agent.workspace_id and workspace.deleted_at is null
    where agent.id = ${agentId} and agent.revoked_at is null`;
  if (row === undefined || !(row.owner_id === asker.userId || asker.roles.includes("owner")))
    return { kind: "unknown" };
  if (row.public_key === null)
    return { kind: "not_connected", agentName: row.name, status: agentStatus(row, row.now) };
  const ticket = issueSessionTicket(issuer, {
    agentId,
    agentKey: row.public_key,
    userId: asker.userId,
    clientPublicKey,
  });
  return {
    kind: "offered",
    agentId,
    agentName: row.name,
    workspaceId: row.workspace_id,
    agentPublicKey: row.public_key.toString("hex"),
    sshHostKey: row.ssh_host_key,
    ticket,
  };
}
