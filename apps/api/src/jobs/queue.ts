import { formatDuration } from "@berth/std";
import type { Queryable } from "@berth/database";
import { STALE_DAEMON_MS } from "./periods.ts";
import { mayRun } from "./tags.ts";

/** How many daemons could run a job, as public clients read it. */
export interface MatchedProvisioners {
  readonly count: number;
  readonly available: number;
  readonly most_recently_seen?: string;
}

/** Where a waiting job stands, and why it waits. */
export interface QueuePlace {
  readonly position: number;
  readonly size: number;
  readonly availableWorkers: readonly string[];
  readonly matched: MatchedProvisioners;
  readonly reason: WaitReason;
}

/** Why a job waits. */
export type WaitReason =
  | { readonly kind: "no_daemon" }
  | { readonly kind: "stale"; readonly lastSeen: Date; readonly now: Date }
  | { readonly kind: "busy"; readonly daemons: number; readonly position: number }
  | { readonly kind: "held"; readonly until: Date; readonly because: string }
  | { readonly kind: "next" };

interface PlaceRow {
  id: string;
  position: number | null;
  size: number | null;
  matching: number;
  online: string[] | null;
  idle: number;
  last_seen_at: Date | null;
  held_until: Date | null;
  held_reason: string | null;
  now: Date;
}

const daemonColumns = (sql: Queryable) => ({
  organizationId: sql`daemon.organization_id`,
  provisioners: sql`daemon.provisioners`,
  tags: sql`daemon.tags`,
  machineId: sql`daemon.machine_id`,
});

/** Queue places of those of the given jobs that wait, by job id. */
export async function queuePlaces(
  sql: Queryable,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, QueuePlace>> {
  if (jobIds.length === 0) return new Map();
  const rows = await sql<PlaceRow[]>`
    with pending as (
      select id, organization_id, provisioner, tags, machine_id, created_at from api.job
      where accepted_at is null and completed_at is null
    ), fitting as (
      select job.id, job.created_at, daemon.id as daemon_id, daemon.last_seen_at, daemon.current_job_id,
        daemon.last_seen_at > now() - ${STALE_DAEMON_MS} * interval '1 millisecond' as online
      from pending job join api.provisioner_daemon daemon on ${mayRun(sql, daemonColumns(sql))}
    ), ranked as (
      select id, row_number() over (partition by daemon_id order by created_at, id) as position,
        count(*) over (partition by daemon_id) as size
      from fitting where online
    )
    select pending.id, now() as now,
      (select min(position)::int from ranked where ranked.id = pending.id) as position,
      (select max(size)::int from ranked where ranked.id = pending.id) as size,
      (select count(*)::int from fitting where fitting.id = pending.id) as matching,
      (select array_agg(daemon_id::text) from fitting where fitting.id = pending.id and online) as online,
      (select count(*)::int from fitting where fitting.id = pending.id and online and current_job_id is null) as idle,
      (select max(last_seen_at) from fitting where fitting.id = pending.id) as last_seen_at,
      workspace.held_until, workspace.held_reason
    from pending
    left join api.workspace_build build on build.job_id = pending.id
    left join api.workspace on workspace.id = build.workspace_id and workspace.held_until > now()
    where pending.id = any(${[...jobIds]}::uuid[])`;
  return new Map(rows.map((row) => [row.id, placeOf(row)]));
}

function placeOf(row: PlaceRow): QueuePlace {
  return {
    position: row.position ?? 0,
    size: row.size ?? 0,
    availableWorkers: row.online ?? [],
    matched: {
      count: row.matching,
      available: row.online?.length ?? 0,
      ...(row.last_seen_at && { most_recently_seen: row.last_seen_at.toISOString() }),
    },
    reason: reasonOf(row),
  };
}

function reasonOf(row: PlaceRow): WaitReason {
  if (row.held_until !== null) return { kind: "held", until: row.held_until, because: row.held_reason ?? "" };
  if (row.last_seen_at === null) return { kind: "no_daemon" };
  if (row.online === null) return { kind: "stale", lastSeen: row.last_seen_at, now: row.now };
  if (row.position !== null && row.position <= row.idle) return { kind: "next" };
  return { kind: "busy", daemons: row.online.length, position: row.position ?? 0 };
}

/** The reason as people read it; empty for a job that is about to be taken. */
export function waitReasonText(reason: WaitReason): string {
  switch (reason.kind) {
    case "no_daemon":
      return "no provisioner daemon has the tags of this job";
    case "stale":
      return `no provisioner daemon that fits was seen for ${formatDuration(reason.now.getTime() - reason.lastSeen.getTime())}`;
    case "busy":
      return reason.daemons === 1
        ? `the one provisioner daemon that fits is busy, position ${reason.position}`
        : `all ${reason.daemons} provisioner daemons that fit are busy, position ${reason.position}`;
    case "held":
      return `the workspace is held until ${reason.until.toISOString()}: ${reason.because}`;
    case "next":
      return "";
  }
}

/** Daemons that could run a job with these properties, whether it waits or not. */
export async function matchedProvisioners(
  sql: Queryable,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, MatchedProvisioners>> {
  if (jobIds.length === 0) return new Map();
  const rows = await sql<{ id: string; count: number; available: number; last_seen_at: Date | null }[]>`
    select job.id, count(daemon.id)::int as count, max(daemon.last_seen_at) as last_seen_at,
      (count(*) filter (where daemon.last_seen_at > now() - ${STALE_DAEMON_MS} * interval '1 millisecond'))::int as available
    from api.job left join api.provisioner_daemon daemon on ${mayRun(sql, daemonColumns(sql))}
    where job.id = any(${[...jobIds]}::uuid[]) group by job.id`;
  return new Map(
    rows.map((row) => [
      row.id,
      {
        count: row.count,
        available: row.available,
        ...(row.last_seen_at && { most_recently_seen: row.last_seen_at.toISOString() }),
      },
    ]),
  );
}
