import type { Queryable, TransactionSql } from "@berth/database";

/** Terraform's state file, whole, as a daemon reports it. */
export interface StateSnapshot {
  readonly state: Buffer;
  readonly lineage: string;
  readonly serial: bigint | number;
  /** Whether Terraform had exited. */
  readonly final: boolean;
}

/** What became of a snapshot. Only a later build that has begun makes one too late. */
export type StateOutcome =
  "taken" | "known" | "foreign_lineage" | "lower_serial" | "later_build_began" | "no_build";

interface StateRow {
  workspace_build_id: string;
  lineage: string;
  serial: number;
}

/**
 * Keeps a state of the job's build: of the same lineage, and with a serial that does not fall behind. It asks for no epoch, because
 * what Terraform made exists whoever reports it. The caller has locked the job's row.
 */
export async function takeState(
  sql: TransactionSql,
  jobId: string,
  snapshot: StateSnapshot,
): Promise<StateOutcome> {
  const [build] = await sql<{ id: string; workspace_id: string; build_number: number; overtaken: boolean }[]>`
    select build.id, build.workspace_id, build.build_number, exists (
      select from api.workspace_build later join api.job on job.id = later.job_id
      where later.workspace_id = build.workspace_id and later.build_number > build.build_number
        and job.started_at is not null) as overtaken
    from api.workspace_build build where build.job_id = ${jobId}`;
  if (build === undefined) return "no_build";
  if (build.overtaken) return "later_build_began";
  const former = await latest(sql, build.workspace_id, build.build_number + 1);
  const refusal = judge(former, build.id, snapshot);
  if (refusal === "known" && snapshot.final)
    await sql`update api.workspace_state set final = true where workspace_build_id = ${build.id}`;
  if (refusal !== undefined) return refusal;
  await sql`
    insert into api.workspace_state (workspace_build_id, lineage, serial, state, final)
    values (${build.id}, ${snapshot.lineage}, ${Number(snapshot.serial)}, ${snapshot.state}, ${snapshot.final})
    on conflict (workspace_build_id) do update set lineage = excluded.lineage, serial = excluded.serial,
      state = excluded.state, final = excluded.final, received_at = now()`;
  return "taken";
}

function judge(
  former: StateRow | undefined,
  buildId: string,
  snapshot: StateSnapshot,
): "foreign_lineage" | "lower_serial" | "known" | undefined {
  if (former === undefined) return undefined;
  if (former.lineage !== snapshot.lineage) return "foreign_lineage";
  const serial = Number(snapshot.serial);
  if (serial < former.serial) return "lower_serial";
  // A build that changed nothing ends with its predecessor's serial: that state becomes its own.
  return serial === former.serial && former.workspace_build_id === buildId ? "known" : undefined;
}

async function latest(
  sql: Queryable,
  workspaceId: string,
  beforeBuild: number,
): Promise<StateRow | undefined> {
  const [row] = await sql<StateRow[]>`
    select workspace_build_id, lineage, serial::float8 as serial from api.workspace_state
    join api.workspace_build build on build.id = workspace_build_id
    where build.workspace_id = ${workspaceId} and build.build_number < ${beforeBuild}
    order by build.build_number desc limit 1`;
  return row;
}

/** The state that a build starts from: the last of any build before it. */
export async function lastStateBefore(
  sql: Queryable,
  workspaceId: string,
  buildNumber: number,
): Promise<{ buildId: string; sha256: string; sizeBytes: number } | undefined> {
  const former = await latest(sql, workspaceId, buildNumber);
  if (former === undefined) return undefined;
  const [row] = await sql<{ sha256: string; size: number }[]>`
    select encode(sha256(state), 'hex') as sha256, octet_length(state)::float8 as size from api.workspace_state
    where workspace_build_id = ${former.workspace_build_id}`;
  return row && { buildId: former.workspace_build_id, sha256: row.sha256, sizeBytes: row.size };
}
