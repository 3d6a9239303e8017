import { CodedError, isUuid } from "@berth/std";
import type { Queryable } from "@berth/database";
import { hashAgentToken } from "../daemons/write-agents.ts";

/** The agent that a token belongs to. */
export interface KnownAgent {
  readonly agentId: string;
  readonly workspaceId: string;
}

/**
 * Who a token belongs to.
 * @throws CodedError unauthenticated: `token_unknown` (its build has not said so yet: retried) or `token_revoked` (final)
 */
export async function authenticateAgent(sql: Queryable, token: string | undefined): Promise<KnownAgent> {
  if (token === undefined || !isUuid(token))
    throw new CodedError("unauthenticated", "token_unknown: CODER_AGENT_TOKEN is no agent's token");
  const [row] = await sql<{ id: string; workspace_id: string | null; revoked_at: Date | null }[]>`
    select id, workspace_id, revoked_at from api.workspace_agent where token_hash = ${hashAgentToken(token)}`;
  if (row === undefined || row.workspace_id === null)
    throw new CodedError("unauthenticated", "token_unknown: no build has reported this agent yet");
  if (row.revoked_at !== null) throw tokenWasRevoked();
  return { agentId: row.id, workspaceId: row.workspace_id };
}

/** What an agent hears whose workspace was stopped, deleted or built without it. */
export function tokenWasRevoked(): CodedError {
  return new CodedError(
    "unauthenticated",
    "token_revoked: the workspace was stopped, deleted or built without this agent",
  );
}
