import type { Queryable } from "@berth/database";

const _fragment = (sql: Queryable) => sql``;
type Fragment = ReturnType<typeof _fragment>;

/** Tags of a job or a daemon, as stored: without the pair that every organization-wide one carries in public shapes. */
export type Tags = Readonly<Record<string, string>>;

/** Tags as they are stored and matched: `scope=organization` and an empty `owner` say nothing. */
export function storedTags(given: Tags): Tags {
  return Object.fromEntries(
    Object.entries(given).filter(
      ([key, value]) => !(key === "scope" && value === "organization") && !(key === "owner" && value === ""),
    ),
  );
}

/** Tags as public clients read them. */
export function publicTags(stored: Tags): Tags {
  return { scope: "organization", owner: "", ...stored };
}

/** One text per tag set, for metrics and for grouping: `gpu=yes,zone=b`, empty for untagged. */
export function tagSetName(stored: Tags): string {
  return Object.entries(stored)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

/** What is known of a daemon in a statement: columns, or values. */
export interface DaemonInSql {
  readonly organizationId: Fragment;
  readonly provisioners: Fragment;
  readonly tags: Fragment;
  readonly machineId: Fragment;
}

/**
 * Whether that daemon may run the row `job`: of its organization, for a provisioner it has, on the machine that the job is for,
 * and with all the job's tags. A job without tags runs only on daemons without.
 */
export function mayRun(sql: Queryable, daemon: DaemonInSql): Fragment {
  return sql`(job.organization_id = ${daemon.organizationId} and job.provisioner = any(${daemon.provisioners})
    and case when job.tags = '{}'::jsonb then ${daemon.tags} = '{}'::jsonb else job.tags <@ ${daemon.tags} end
    and (job.machine_id is null or job.machine_id = ${daemon.machineId}))`;
}
