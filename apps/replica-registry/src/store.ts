import type { Queryable, Sql, TransactionSql } from "@berth/database";
import type { State } from "./states.ts";

/** A replica's row. */
export interface ReplicaRow {
  readonly id: string;
  readonly hostname: string;
  readonly services: readonly string[];
  readonly regionId: number;
  readonly version: string;
  readonly relayUrl: string;
  readonly accessUrl: string;
  readonly pingAddress: string;
  readonly listenPort: number;
  readonly poolSize: number;
  readonly state: State;
  readonly error: string;
  readonly postgresRoundTripMs: number | null;
  readonly startedAt: Date;
  readonly joinedAt: Date;
  readonly ownerId: string;
  readonly joinSequence: bigint;
  readonly revision: bigint;
}

/** Names one stream of one replica: every verdict is given on exactly that. */
export interface Claim {
  readonly id: string;
  readonly ownerId: string;
  readonly joinSequence: bigint;
}

/** What a replica measured towards another. */
export interface LinkRow {
  readonly fromId: string;
  readonly toId: string;
  readonly medianMs: number | null;
  readonly worstMs: number | null;
  readonly unreachable: boolean;
}

/** What a join says of its replica. */
export type Joining = Omit<
  ReplicaRow,
  "joinedAt" | "joinSequence" | "revision" | "error" | "postgresRoundTripMs"
>;

type Row<T> = T & Record<string, unknown>;

/** The name of the channel that tells of a new revision. */
export const CHANGED = "registry_changed";

/** Raises the view's revision; until the transaction ends no other can. */
async function raise(sql: TransactionSql): Promise<bigint> {
  const [row] = await sql<{ revision: bigint }[]>`
    update registry.view set revision = revision + 1 returning revision`;
  if (row === undefined) throw new Error("raising the revision: registry.view has no row");
  return row.revision;
}

async function announce(sql: TransactionSql, revision: bigint): Promise<void> {
  await sql`select pg_notify(${CHANGED}, ${String(revision)})`;
}

/** Writes a replica as ours. A stopped one stays stopped: then the answer is undefined. */
export async function join(
  sql: TransactionSql,
  joining: Joining,
  sequence?: bigint,
): Promise<Claim | undefined> {
  const revision = await raise(sql);
  const { id, ownerId } = joining;
  const [row] = await sql<{ joinSequence: bigint }[]>`
    insert into registry.replica as r (
      id, hostname, services, region_id, version, relay_url, access_url, ping_address, listen_port, pool_size, state,
      started_at, owner_id, join_sequence, revision)
    values (
      ${id}, ${joining.hostname}, ${sql.array([...joining.services])}, ${joining.regionId}, ${joining.version},
      ${joining.relayUrl}, ${joining.accessUrl}, ${joining.pingAddress}, ${joining.listenPort}, ${joining.poolSize},
      ${joining.state}, ${joining.startedAt}, ${ownerId},
      coalesce(${sequence ?? null}::bigint, nextval('registry.join_sequence')), ${revision})
    on conflict (id) do update set
      state = excluded.state, owner_id = excluded.owner_id, join_sequence = excluded.join_sequence,
      ping_address = excluded.ping_address, revision = excluded.revision, changed_at = now(), error = ''
    where r.state <> 'stopped' and r.join_sequence <= excluded.join_sequence
    returning join_sequence as "joinSequence"`;
  if (row === undefined) return undefined;
  await announce(sql, revision);
  return { id, ownerId, joinSequence: row.joinSequence };
}

/** Gives replicas a new state, each only if its claim still stands and it is in one of the states before. */
export async function judge(
  sql: TransactionSql,
  claims: readonly Claim[],
  before: readonly State[],
  after: State,
): Promise<readonly string[]> {
  const revision = await raise(sql);
  const rows = await sql<{ id: string }[]>`
    update registry.replica r set state = ${after}, revision = ${revision}, changed_at = now()
    from unnest(
      ${sql.array(claims.map(({ id }) => id))}::uuid[],
      ${sql.array(claims.map(({ ownerId }) => ownerId))}::uuid[],
      ${sql.array(claims.map(({ joinSequence }) => String(joinSequence)))}::bigint[]
    ) as claim (id, owner_id, join_sequence)
    where r.id = claim.id and r.owner_id = claim.owner_id and r.join_sequence = claim.join_sequence
      and r.state = any(${sql.array([...before])})
    returning r.id`;
  if (rows.length > 0) await announce(sql, revision);
  return rows.map(({ id }) => id);
}

/** What reports have brought since the last write, all members of a registry in one statement. */
export interface Measured extends Claim {
  readonly error: string;
  readonly postgresRoundTripMs: number | null;
}

/** Writes what members measured: one statement for the replicas, one for their links. */
export async function writeMeasured(
  sql: TransactionSql,
  measured: readonly Measured[],
  links: readonly LinkRow[],
): Promise<void> {
  const revision = await raise(sql);
  const rows = measured.map(({ id, ownerId, joinSequence, error, postgresRoundTripMs }) => ({
    id,
    owner_id: ownerId,
    join_sequence: String(joinSequence),
    error,
    postgres_round_trip_ms: postgresRoundTripMs,
  }));
  await sql`
    update registry.replica r
    set error = m.error, postgres_round_trip_ms = m.postgres_round_trip_ms, revision = ${revision}
    from jsonb_to_recordset(${sql.json(rows)}::jsonb)
      as m (id uuid, owner_id uuid, join_sequence bigint, error text, postgres_round_trip_ms float8)
    where r.id = m.id and r.owner_id = m.owner_id and r.join_sequence = m.join_sequence`;
  if (links.length > 0) await writeLinks(sql, links);
  await announce(sql, revision);
}

async function writeLinks(sql: TransactionSql, links: readonly LinkRow[]): Promise<void> {
  const rows = links.map((link) => ({
    from_id: link.fromId,
    to_id: link.toId,
    median_ms: link.medianMs,
    worst_ms: link.worstMs,
    unreachable: link.unreachable,
  }));
  await sql`
    insert into registry.link as l (from_id, to_id, median_ms, worst_ms, unreachable)
    select m.from_id, m.to_id, m.median_ms, m.worst_ms, m.unreachable
    from jsonb_to_recordset(${sql.json(rows)}::jsonb)
      as m (from_id uuid, to_id uuid, median_ms float8, worst_ms float8, unreachable boolean)
    join registry.replica r on r.id = m.from_id
    on conflict (from_id, to_id) do update set
      median_ms = excluded.median_ms, worst_ms = excluded.worst_ms, unreachable = excluded.unreachable,
      measured_at = now()`;
}

/** All that changed after a revision, and the revision it brings us to, in one snapshot. */
export interface Changes {
  readonly revision: bigint;
  readonly rows: readonly ReplicaRow[];
  readonly links: readonly LinkRow[];
}

/** Reads what changed after `since`. */
export async function readChanges(sql: Sql, since: bigint): Promise<Changes> {
  const found = await sql<Row<Partial<ReplicaRow> & { viewRevision: bigint }>[]>`
    select v.revision as "viewRevision", r.id, r.hostname, r.services, r.region_id as "regionId", r.version,
           r.relay_url as "relayUrl", r.access_url as "accessUrl", r.ping_address as "pingAddress",
           r.listen_port as "listenPort", r.pool_size as "poolSize", r.state, r.error,
           r.postgres_round_trip_ms as "postgresRoundTripMs", r.started_at as "startedAt", r.joined_at as "joinedAt",
           r.owner_id as "ownerId", r.join_sequence as "joinSequence", r.revision
    from registry.view v left join registry.replica r on r.revision > ${since}`;
  const rows = found.filter(
    (row): row is Row<ReplicaRow & { viewRevision: bigint }> => typeof row.id === "string",
  );
  const links =
    rows.length === 0
      ? []
      : await readLinks(
          sql,
          rows.map(({ id }) => id),
        );
  return { revision: found[0]?.viewRevision ?? since, rows, links };
}

function readLinks(sql: Queryable, ids: readonly string[]): Promise<readonly LinkRow[]> {
  return sql<Row<LinkRow>[]>`
    select from_id as "fromId", to_id as "toId", median_ms as "medianMs", worst_ms as "worstMs", unreachable
    from registry.link where from_id = any(${sql.array([...ids])}::uuid[]) and measured_at > now() - interval '1 min'`;
}

/** One beat of a registry. */
export async function beat(sql: Sql, id: string): Promise<void> {
  await sql`
    insert into registry.registry as r (id) values (${id})
    on conflict (id) do update set beat = r.beat + 1, beaten_at = now()`;
}

/** Every registry and its beat. */
export async function readBeats(
  sql: Sql,
): Promise<readonly { readonly id: string; readonly beat: bigint }[]> {
  return sql<{ id: string; beat: bigint }[]>`select id, beat from registry.registry`;
}

/** Takes away a registry that stopped, or died with exactly this beat. */
export async function removeRegistry(sql: Queryable, id: string, beat?: bigint): Promise<void> {
  await sql`delete from registry.registry where id = ${id} and beat = coalesce(${beat ?? null}::bigint, beat)`;
}

/** Forgets who has been gone for an hour. */
export async function forget(sql: Sql): Promise<void> {
  await sql`
    delete from registry.replica
    where state in ('stopped', 'lost') and changed_at < now() - interval '1 hour'`;
}

/** How many replicas of a service are in a state; those gone count for ten minutes. */
export async function countReplicas(
  sql: Sql,
): Promise<readonly { readonly service: string; readonly state: State; readonly count: number }[]> {
  return sql<{ service: string; state: State; count: number }[]>`
    select service, state, count(*)::int as count
    from registry.replica, unnest(services) as service
    where state not in ('stopped', 'lost') or changed_at > now() - interval '10 min'
    group by service, state`;
}

/** How many connections Postgres gives to processes like ours. */
export async function connectionLimit(sql: Sql): Promise<number> {
  const [row] = await sql<{ limit: number }[]>`
    select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) as limit`;
  return row?.limit ?? 0;
}
