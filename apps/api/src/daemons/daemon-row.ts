import { CodedError, isUuid } from "@berth/std";
import type { provisioner } from "@berth/contract";
import type { Queryable } from "@berth/database";
import type { Domain, Holder } from "../jobs/claim.ts";
import { storedTags } from "../jobs/tags.ts";
import type { DaemonCaller } from "./authenticate.ts";

/** A daemon that has said hello. */
export interface KnownDaemon {
  readonly holder: Holder;
  readonly domain: Domain;
}

/** Writes the daemon's row. @throws CodedError for a hello that cannot be, or an id that another key's daemon builds with. */
export async function registerDaemon(
  sql: Queryable,
  caller: DaemonCaller,
  hello: provisioner.DaemonHello,
  replicaId: string,
): Promise<KnownDaemon> {
  if (!isUuid(hello.daemonId) || !isUuid(hello.incarnation))
    throw new CodedError("invalid_argument", "daemon_id and incarnation must be UUIDs");
  if (hello.provisioners.length === 0)
    throw new CodedError("invalid_argument", "a daemon must name a provisioner");
  const tags = caller.tags ?? storedTags(hello.tags);
  const rows = await sql`
    insert into api.provisioner_daemon as daemon (id, organization_id, key_id, name, incarnation, tags, provisioners, machine_id,
      version, api_version, replica_id)
    values (${hello.daemonId}, ${caller.organizationId}, ${caller.keyId}, ${hello.name.slice(0, 64)}, ${hello.incarnation},
      ${JSON.stringify(tags)}::text::jsonb, ${hello.provisioners}, ${hello.machineId}, ${hello.version}, ${hello.apiVersion},
      ${replicaId})
    on conflict (id) do update set organization_id = excluded.organization_id, key_id = excluded.key_id, name = excluded.name,
      incarnation = excluded.incarnation, tags = excluded.tags, provisioners = excluded.provisioners,
      machine_id = excluded.machine_id, version = excluded.version, api_version = excluded.api_version,
      replica_id = excluded.replica_id, last_seen_at = now()
    where daemon.key_id = excluded.key_id or daemon.current_job_id is null
    returning id`;
  if (rows.length === 0)
    throw new CodedError(
      "permission_denied",
      `daemon ${hello.daemonId} is building with another key: end that daemon, or use another cache directory`,
    );
  return {
    holder: { daemonId: hello.daemonId.toLowerCase(), incarnation: hello.incarnation.toLowerCase() },
    domain: {
      organizationId: caller.organizationId,
      provisioners: hello.provisioners,
      tags,
      machineId: hello.machineId,
    },
  };
}

/** Notes that the daemon was heard of. */
export async function touchDaemon(sql: Queryable, daemonId: string, replicaId: string): Promise<void> {
  await sql`
    update api.provisioner_daemon set last_seen_at = now(), replica_id = ${replicaId} where id = ${daemonId}`;
}

/** @throws CodedError when the daemon is not one of the caller's key. */
export async function demandOwnDaemon(sql: Queryable, caller: DaemonCaller, daemonId: string): Promise<void> {
  if (!isUuid(daemonId)) throw new CodedError("invalid_argument", "daemon_id must be a UUID");
  const rows = await sql`
    select id from api.provisioner_daemon where id = ${daemonId} and key_id = ${caller.keyId}`;
  if (rows.length === 0)
    throw new CodedError("permission_denied", `daemon ${daemonId} is not known under this credential`);
}
