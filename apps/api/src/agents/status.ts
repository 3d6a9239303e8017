/** The public connection status of an agent. */
export type AgentStatus = "connecting" | "connected" | "disconnected" | "timeout";

/** The columns that an agent's status follows from. */
export interface AgentTimes {
  readonly created_at: Date;
  readonly first_connected_at: Date | null;
  readonly last_connected_at: Date | null;
  readonly disconnected_at: Date | null;
  readonly connection_timeout_seconds: number;
}

/** Silence after which an agent is shown as disconnected, whoever held its stream. */
export const SILENT_AGENT_MS = 30_000;

/**
 * The status at a moment of the database's clock. An agent whose stream ended is still connected until `disconnected_at` is
 * written, which a newer stream forestalls: moving between replicas is never seen.
 */
export function agentStatus(agent: AgentTimes, now: Date): AgentStatus {
  if (agent.first_connected_at === null || agent.last_connected_at === null) {
    const timeoutMs = agent.connection_timeout_seconds * 1000;
    return timeoutMs > 0 && now.getTime() - agent.created_at.getTime() > timeoutMs ? "timeout" : "connecting";
  }
  if (agent.disconnected_at !== null && agent.disconnected_at > agent.last_connected_at)
    return "disconnected";
  return now.getTime() - agent.last_connected_at.getTime() > SILENT_AGENT_MS ? "disconnected" : "connected";
}
