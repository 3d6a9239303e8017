/** Channels of hints between replicas: each carries one id, and the tables are the truth. */
export const channels = {
  /** A job may now be claimed; its id. */
  jobPosted: "job_posted",
  /** A job began, was canceled, was queued again or ended; its id. */
  jobChanged: "job_changed",
  /** A job has new log lines; its id. */
  jobLogged: "job_logged",
  /** A build, an agent or the workspace itself changed; the workspace's id. */
  workspaceChanged: "workspace_changed",
  /** What an agent's manifest says may have changed; the agent's id. */
  agentChanged: "agent_changed",
  /** An agent's token was revoked; the agent's id. */
  agentRevoked: "agent_revoked",
  /** An agent has new log lines; its id. */
  agentLogged: "agent_logged",
  /** An agent has new metadata; its id. */
  agentMeasured: "agent_measured",
  /** Sessions must end at the agents; the id of the api.session_end row. */
  sessionsEnded: "sessions_ended",
  /** A provisioner key was deleted; its id. */
  keyDeleted: "provisioner_key_deleted",
} as const;
