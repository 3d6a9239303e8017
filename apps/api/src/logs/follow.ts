import type { ProvisionerJobLog, WorkspaceAgentLog } from "@berth/http-api";
import { messageOf } from "@berth/std";
import type { Hints } from "@berth/coordination";
import type { Sql } from "@berth/database";
import type { Logger } from "@berth/telemetry";
import { channels } from "../channels.ts";
import { readAgentLog } from "./agent-log.ts";
import { readJobLog } from "./job-log.ts";

// Followers re-read from the last id they have sent. Ids become visible in order, so `after` never skips a late commit; whether
// the log is over is read before the lines, so an end is never seen without the lines before it.

const BATCH = 1_000;

/** What a follower reads with. */
export interface FollowContext {
  readonly sql: Sql;
  readonly hints: Hints;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface FollowedLog<Line> {
  readonly channel: string;
  readonly id: string;
  readonly isOver: () => Promise<boolean>;
  readonly read: (after: number) => Promise<readonly Line[]>;
}

/** Lines of a job after an id, in batches as they come, until the job has ended and all were given. */
export function followJobLog(
  context: FollowContext,
  jobId: string,
  after: number,
): AsyncGenerator<readonly ProvisionerJobLog[]> {
  const { sql } = context;
  return follow(context, after, {
    channel: channels.jobLogged,
    id: jobId,
    isOver: async () => {
      const rows = await sql`select id from api.job where id = ${jobId} and completed_at is null`;
      return rows.length === 0;
    },
    read: (last) => readJobLog(sql, jobId, { after: last, limit: BATCH }),
  });
}

/** Lines of an agent after an id, in batches as they come, until its token was revoked and all were given. */
export function followAgentLog(
  context: FollowContext,
  agentId: string,
  after: number,
): AsyncGenerator<readonly WorkspaceAgentLog[]> {
  const { sql } = context;
  return follow(context, after, {
    channel: channels.agentLogged,
    id: agentId,
    isOver: async () => {
      const rows = await sql`select id from api.workspace_agent where id = ${agentId} and revoked_at is null`;
      return rows.length === 0;
    },
    read: (last) => readAgentLog(sql, agentId, { after: last, limit: BATCH }),
  });
}

async function* follow<Line extends { readonly id: number }>(
  { hints, log, signal }: FollowContext,
  after: number,
  followed: FollowedLog<Line>,
): AsyncGenerator<readonly Line[]> {
  let last = after;
  while (!signal.aborted) {
    const hint = hints.next(followed.channel, { id: followed.id, signal });
    try {
      const over = await followed.isOver();
      const lines = await followed.read(last);
      if (lines.length > 0) yield lines;
      last = lines.at(-1)?.id ?? last;
      if (lines.length === BATCH) continue;
      if (over) return;
    } catch (error) {
      log.debug("a log could not be read", { id: followed.id, reason: messageOf(error) });
    }
    await hint;
  }
}
