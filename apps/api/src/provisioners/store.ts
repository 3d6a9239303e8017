import { randomUUID } from "node:crypto";
import type { Queryable, TransactionSql } from "@berth/database";
import type { Page } from "../http/page.ts";
import { taken, unlessTaken } from "../http/problem.ts";
import { STALE_DAEMON_MS } from "../jobs/periods.ts";
import type { JobTimes } from "../jobs/status.ts";
import type { Tags } from "../jobs/tags.ts";

interface JobColumns {
  readonly id: string;
  readonly template_name: string | null;
  readonly template_icon: string | null;
  readonly template_display_name: string | null;
  readonly times: JobTimes;
}

export interface DaemonRow {
  readonly id: string;
  readonly organization_id: string;
  readonly key_id: string;
  readonly key_name: string | null;
  readonly name: string;
  readonly version: string;
  readonly api_version: string;
  readonly provisioners: string[];
  readonly tags: Tags;
  readonly created_at: Date;
  readonly last_seen_at: Date;
  readonly online: boolean;
  readonly current_job: JobColumns | null;
  readonly previous_job: JobColumns | null;
}

const jobOf = (sql: Queryable, column: string) => sql`(
  select jsonb_build_object('id', job.id, 'template_name', template.name, 'template_icon', template.icon,
    'template_display_name', template.display_name, 'times', jsonb_build_object('started_at', job.started_at,
      'canceled_at', job.canceled_at, 'completed_at', job.completed_at, 'error', job.error))
  from api.job
  left join api.workspace_build build on build.job_id = job.id
  left join api.template_version version on version.job_id = job.id or version.id = build.template_version_id
  left join api.template on template.id = version.template_id
  where job.id = daemon.${sql(column)} limit 1)`;

/** Daemons seen within a week, the last seen first. */
export async function listDaemons(
  sql: Queryable,
  organizationId: string,
  page: Page,
  tags: Tags | undefined,
): Promise<DaemonRow[]> {
  return sql<DaemonRow[]>`
    select daemon.id, daemon.organization_id, daemon.key_id, key.name as key_name, daemon.name, daemon.version,
      daemon.api_version, daemon.provisioners, daemon.tags, daemon.created_at, daemon.last_seen_at,
      daemon.last_seen_at > now() - ${STALE_DAEMON_MS} * interval '1 millisecond' as online,
      ${jobOf(sql, "current_job_id")} as current_job, ${jobOf(sql, "previous_job_id")} as previous_job
    from api.provisioner_daemon daemon left join api.provisioner_key key on key.id = daemon.key_id
    where daemon.organization_id = ${organizationId} and daemon.last_seen_at > now() - interval '7 days'
      and daemon.tags @> ${JSON.stringify(tags ?? {})}::text::jsonb
    order by daemon.last_seen_at desc, daemon.name limit ${page.limit} offset ${page.offset}`;
}

export interface ProvisionerKeyRow {
  readonly id: string;
  readonly organization_id: string;
  readonly name: string;
  readonly tags: Tags;
  readonly created_at: Date;
}

export async function listKeys(sql: Queryable, organizationId: string): Promise<ProvisionerKeyRow[]> {
  return sql<ProvisionerKeyRow[]>`
    select id, organization_id, name, tags, created_at from api.provisioner_key
    where organization_id = ${organizationId} and deleted_at is null order by created_at, name`;
}

export interface NewProvisionerKey {
  readonly organizationId: string;
  readonly name: string;
  readonly secretHash: Buffer;
  readonly tags: Tags;
  readonly createdBy: string;
}

/** @throws Problem 409 when the organization has a key of this name */
export async function insertKey(sql: TransactionSql, key: NewProvisionerKey): Promise<string> {
  const id = randomUUID();
  const insert = sql`
    insert into api.provisioner_key (id, organization_id, name, secret_hash, tags, created_by)
    values (${id}, ${key.organizationId}, ${key.name}, ${key.secretHash}, ${JSON.stringify(key.tags)}::text::jsonb,
      ${key.createdBy})`;
  await unlessTaken(
    "provisioner_key_name",
    () => taken("name", `A provisioner key with the name "${key.name}" already exists.`),
    insert,
  );
  return id;
}

/** The id of the key that was deleted. */
export async function deleteKey(
  sql: TransactionSql,
  organizationId: string,
  name: string,
): Promise<string | undefined> {
  const [row] = await sql<{ id: string }[]>`
    update api.provisioner_key set deleted_at = now()
    where organization_id = ${organizationId} and lower(name) = lower(${name}) and deleted_at is null returning id`;
  return row?.id;
}
