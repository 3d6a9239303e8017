import { randomUUID } from "node:crypto";
import { CodedError, isUuid } from "@berth/std";
import type { agent } from "@berth/contract";
import type { Hints } from "@berth/coordination";
import type { Queryable, TransactionSql } from "@berth/database";
import { channels } from "../channels.ts";
import type { KnownAgent } from "./authenticate.ts";
import { SILENT_AGENT_MS } from "./status.ts";

/** One stream of one agent process: what it may write as. A later stream has a higher number. */
export interface AgentStreamKey extends KnownAgent {
  readonly incarnation: string;
  readonly streamSequence: number;
}

/** Begins a stream: the agent is connected from here on, and older streams are not its streams any more. */
export async function beginStream(
  sql: TransactionSql,
  hints: Hints,
  known: KnownAgent,
  hello: agent.AgentHello,
  replicaId: string,
): Promise<AgentStreamKey> {
  if (!isUuid(hello.incarnation)) throw new CodedError("invalid_argument", "incarnation must be a UUID");
  if (hello.publicKey.length !== 32) throw new CodedError("invalid_argument", "public_key must be 32 bytes");
  const incarnation = hello.incarnation.toLowerCase();
  await beginIncarnation(sql, known, incarnation);
  const [row] = await sql<{ sequence: number }[]>`
    update api.workspace_agent set public_key = ${hello.publicKey}, ssh_host_key = ${hello.sshHostKey},
      version = ${hello.version}, api_version = ${hello.apiVersion},
      expanded_directory = coalesce(nullif(${hello.expandedDirectory}, ''), expanded_directory),
      subsystems = ${hello.subsystems}, replica_id = ${replicaId}, stream_sequence = stream_sequence + 1,
      first_connected_at = coalesce(first_connected_at, now()), last_connected_at = now(), disconnected_at = null,
      updated_at = now()
    where id = ${known.agentId} returning stream_sequence::float8 as sequence`;
  await hints.notify(sql, channels.agentChanged, known.agentId);
  await hints.notify(sql, channels.workspaceChanged, known.workspaceId);
  return { ...known, incarnation, streamSequence: row?.sequence ?? 0 };
}

/** A new process under the same token begins its life anew; one that takes over from a living one is audited. */
async function beginIncarnation(
  sql: TransactionSql,
  { agentId, workspaceId }: KnownAgent,
  incarnation: string,
): Promise<void> {
  const [former] = await sql<{ incarnation: string | null; alive: boolean }[]>`
    select incarnation, disconnected_at is null
      and last_connected_at > now() - ${SILENT_AGENT_MS} * interval '1 millisecond' as alive
    from api.workspace_agent where id = ${agentId} for update`;
  if (former?.incarnation === incarnation) return;
  await sql`
    update api.workspace_agent set incarnation = ${incarnation}, committed_sequence = 0, lifecycle_state = 'created',
      started_at = null, ready_at = null
    where id = ${agentId}`;
  if (former === undefined || former.incarnation === null || !former.alive) return;
  await sql`
    insert into api.audit_log (id, organization_id, action, resource_type, resource_id, diff, status_code, request_id)
    select ${randomUUID()}, organization_id, 'supersede', 'workspace_agent', ${agentId},
      ${JSON.stringify({ incarnation: { old: former.incarnation, new: incarnation } })}::text::jsonb, 200, ${randomUUID()}
    from api.workspace where id = ${workspaceId}`;
}

/** What a stream is to its agent now. */
export type StreamStanding =
  | { readonly kind: "current" }
  | { readonly kind: "moved" }
  | { readonly kind: "superseded"; readonly by: string }
  | { readonly kind: "revoked" };

/** Notes that the agent was heard of on this stream. */
export async function touchAgent(
  sql: Queryable,
  key: AgentStreamKey,
  relayRoundTripMs: number | undefined,
): Promise<StreamStanding> {
  const touched = await sql`
    update api.workspace_agent set last_connected_at = now(),
      relay_round_trip_ms = coalesce(${relayRoundTripMs ?? null}::float8, relay_round_trip_ms)
    where id = ${key.agentId} and incarnation = ${key.incarnation} and stream_sequence = ${key.streamSequence}
      and revoked_at is null returning id`;
  return touched.length > 0 ? { kind: "current" } : standingOf(sql, key);
}

/** Whether the stream is still the agent's. */
export async function standingOf(sql: Queryable, key: AgentStreamKey): Promise<StreamStanding> {
  const [row] = await sql<{ incarnation: string; sequence: number; revoked: boolean }[]>`
    select incarnation, stream_sequence::float8 as sequence, revoked_at is not null as revoked
    from api.workspace_agent where id = ${key.agentId}`;
  if (row === undefined || row.revoked) return { kind: "revoked" };
  if (row.incarnation !== key.incarnation) return { kind: "superseded", by: row.incarnation };
  return { kind: row.sequence === key.streamSequence ? "current" : "moved" };
}

/** Says that the agent is gone, unless a newer stream has begun. */
export async function endStream(sql: TransactionSql, hints: Hints, key: AgentStreamKey): Promise<boolean> {
  const ended = await sql`
    update api.workspace_agent set disconnected_at = now(), replica_id = null, updated_at = now()
    where id = ${key.agentId} and stream_sequence = ${key.streamSequence} and disconnected_at is null returning id`;
  if (ended.length > 0) await hints.notify(sql, channels.workspaceChanged, key.workspaceId);
  return ended.length > 0;
}
