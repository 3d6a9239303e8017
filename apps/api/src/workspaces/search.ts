import type { Queryable } from "@berth/database";
import { WorkspaceStatus } from "@berth/http-api";
import { isUuid } from "@berth/std";
import { booleanOf, literally, parseFilter, wordOf } from "../http/filter.ts";
import type { Page } from "../http/page.ts";
import { invalid } from "../http/problem.ts";
import type { Caller } from "../identity/caller.ts";

/** What a list of workspaces is narrowed by; null means it is not. */
export interface WorkspaceSearch extends Page {
  /** The only owner whose workspaces may be seen. */
  readonly within: string | null;
  readonly owner: string | null;
  readonly template: string | null;
  readonly organization: string | null;
  readonly names: readonly string[];
  readonly status: WorkspaceStatus | null;
  readonly ids: readonly string[] | null;
  readonly outdated: boolean | null;
  /** Nothing is shared with anybody yet: such a search finds nothing. */
  readonly shared: boolean;
}

const KEYS = [
  "owner",
  "name",
  "template",
  "status",
  "id",
  "organization",
  "outdated",
  "shared",
  "shared_with_user",
  "shared_with_group",
] as const;

/** Reads `owner:me status:running name`, and `owner/name`. @throws Problem 400 on anything nobody knows */
export function parseSearch(
  q: string | undefined,
  caller: Caller,
  within: string | null,
  page: Page,
): WorkspaceSearch {
  const { values, words } = parseFilter(q, KEYS, "workspace");
  const [owner, name] = splitName(words);
  const given = values.owner ?? owner;
  return {
    within,
    owner: given === "me" ? caller.userId : (given ?? null),
    template: values.template ?? null,
    organization: values.organization ?? null,
    names: [...name, ...(values.name === undefined ? [] : [values.name])],
    status: wordOf("status", values.status, WorkspaceStatus.enum) ?? null,
    ids: values.id === undefined ? null : idsOf(values.id),
    outdated: booleanOf("outdated", values.outdated) ?? null,
    shared:
      booleanOf("shared", values.shared) === true ||
      values.shared_with_user !== undefined ||
      values.shared_with_group !== undefined,
    ...page,
  };
}

function splitName(words: readonly string[]): [string | undefined, readonly string[]] {
  const pair = words.find((word) => word.includes("/"));
  if (pair === undefined) return [undefined, words];
  const [owner, name = ""] = pair.split("/", 2);
  return [owner, [...words.filter((word) => word !== pair), name].filter((word) => word !== "")];
}

function idsOf(value: string): string[] {
  const ids = value.split(",");
  const stray = ids.find((id) => !isUuid(id));
  if (stray !== undefined) throw invalid("id", `"${stray}" is no UUID.`, "Invalid search query.");
  return ids;
}

/** The condition, over tables workspace, owner, template and organization. */
export function fittingWorkspaces(sql: Queryable, search: WorkspaceSearch) {
  const patterns = search.names.map((name) => `%${literally(name)}%`);
  return sql`
    workspace.deleted_at is null and not ${search.shared}
    and workspace.owner_id = coalesce(${search.within}::uuid, workspace.owner_id)
    and (${search.owner}::text is null or owner.id::text = lower(${search.owner}) or lower(owner.username) = lower(${search.owner}))
    and (${search.template}::text is null or lower(template.name) = lower(${search.template}))
    and (${search.organization}::text is null or organization.id::text = lower(${search.organization})
      or lower(organization.name) = lower(${search.organization}))
    and workspace.name ilike all(${patterns}::text[])
    and (${search.ids === null} or workspace.id = any(${[...(search.ids ?? [])]}::uuid[]))
    and (${search.status === null && search.outdated === null} or exists (
      select from api.workspace_build build join api.job on job.id = build.job_id
      where build.workspace_id = workspace.id
        and build.build_number = (select max(build_number) from api.workspace_build where workspace_id = workspace.id)
        and (${search.status}::text is null or ${search.status} = ${buildStatusIn(sql)})
        and (${search.outdated}::boolean is null
          or ${search.outdated} = (build.template_version_id <> template.active_version_id))))`;
}

/** The same as `buildStatus(jobStatus(…), …)`, for searching; a test holds the two together. */
export function buildStatusIn(sql: Queryable) {
  return sql`case
    when job.completed_at is not null and coalesce(job.error, '') <> '' then 'failed'
    when job.completed_at is not null and job.canceled_at is not null then 'canceled'
    when job.completed_at is not null then
      case build.transition when 'start' then 'running' when 'stop' then 'stopped' else 'deleted' end
    when job.canceled_at is not null then 'canceling'
    when job.started_at is null then 'pending'
    else case build.transition when 'start' then 'starting' when 'stop' then 'stopping' else 'deleting' end end`;
}
