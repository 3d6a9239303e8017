import { CodedError } from "@berth/std";
import { durationFromMs, provisioner } from "@berth/contract";
import type { Queryable } from "@berth/database";
import type { Claim } from "../jobs/claim.ts";
import type { JobInput } from "../jobs/enqueue.ts";
import { LEASE_MS } from "../jobs/periods.ts";
import type { Transition } from "../jobs/status.ts";
import { lastStateBefore } from "../states/take-state.ts";
import { describeOwner } from "./describe-owner.ts";

interface JobRow {
  id: string;
  type: string;
  input: JobInput;
  provisioner: string;
  traceparent: string;
  created_at: Date;
  organization_id: string;
  initiator_id: string;
  file_id: string;
  hash: Buffer;
  size: number;
}

/** Everything a daemon needs to run a claimed job. @throws CodedError when what it is about has gone. */
export async function describeJob(sql: Queryable, claim: Claim, accessUrl: string): Promise<provisioner.Job> {
  const [row] = await sql<JobRow[]>`
    select job.id, job.type, job.input, job.provisioner, job.traceparent, job.created_at, job.organization_id,
      job.initiator_id, job.file_id, file.hash, octet_length(file.content)::float8 as size
    from api.job join api.file on file.id = job.file_id where job.id = ${claim.jobId}`;
  if (row === undefined) throw new CodedError("not_found", `job ${claim.jobId} has no archive`);
  return {
    jobId: row.id,
    epoch: BigInt(claim.epoch),
    attempt: claim.attempt,
    traceparent: row.traceparent,
    createdAt: row.created_at,
    provisioner: row.provisioner,
    archive: { fileId: row.file_id, sha256: row.hash.toString("hex"), sizeBytes: BigInt(row.size) },
    lease: durationFromMs(LEASE_MS),
    kind:
      row.type === "workspace_build"
        ? { $case: "workspaceBuild", value: await describeBuild(sql, row, accessUrl) }
        : { $case: "templateImport", value: await describeImport(sql, row) },
  };
}

async function describeImport(sql: Queryable, job: JobRow): Promise<provisioner.TemplateImport> {
  const [version] = await sql<{ version: string; template: string | null }[]>`
    select version.name as version, template.name as template from api.template_version version
    left join api.template on template.id = version.template_id where version.job_id = ${job.id}`;
  return {
    variables: (job.input.variables ?? []).map((variable) => ({ ...variable, sensitive: false })),
    templateName: version?.template ?? "",
    templateVersionName: version?.version ?? "",
    owner: await describeOwner(sql, job.initiator_id, job.organization_id),
  };
}

interface BuildRow {
  id: string;
  build_number: number;
  transition: Transition;
  workspace_id: string;
  workspace_name: string;
  owner_id: string;
  template_id: string;
  template_name: string;
  version_id: string;
  version_name: string;
}

const TRANSITIONS = {
  start: provisioner.Transition.START,
  stop: provisioner.Transition.STOP,
  delete: provisioner.Transition.DELETE,
} as const;

async function describeBuild(
  sql: Queryable,
  job: JobRow,
  accessUrl: string,
): Promise<provisioner.WorkspaceBuild> {
  const build = await readBuild(sql, job.id);
  // side by side: a daemon waits for this
  const [state, owner, parameters, previousParameters, variables] = await Promise.all([
    lastStateBefore(sql, build.workspace_id, build.build_number),
    describeOwner(sql, build.owner_id, job.organization_id),
    parametersOf(sql, build.workspace_id, build.build_number),
    parametersOf(sql, build.workspace_id, build.build_number - 1),
    variablesOf(sql, build.version_id),
  ]);
  return {
    buildId: build.id,
    buildNumber: build.build_number,
    workspaceId: build.workspace_id,
    workspaceName: build.workspace_name,
    transition: TRANSITIONS[build.transition],
    owner,
    templateId: build.template_id,
    templateName: build.template_name,
    templateVersionName: build.version_name,
    parameters,
    previousParameters,
    variables,
    state: state && {
      fileId: `state:${state.buildId}`,
      sha256: state.sha256,
      sizeBytes: BigInt(state.sizeBytes),
    },
    accessUrl,
    organizationId: job.organization_id,
    debugLog: job.input.debug_log ?? false,
  };
}

async function readBuild(sql: Queryable, jobId: string): Promise<BuildRow> {
  const [build] = await sql<BuildRow[]>`
    select build.id, build.build_number, build.transition, workspace.id as workspace_id, workspace.name as workspace_name,
      workspace.owner_id, template.id as template_id, template.name as template_name, version.id as version_id,
      version.name as version_name
    from api.workspace_build build
    join api.workspace on workspace.id = build.workspace_id
    join api.template on template.id = workspace.template_id
    join api.template_version version on version.id = build.template_version_id
    where build.job_id = ${jobId}`;
  if (build === undefined) throw new CodedError("not_found", `job ${jobId} has no workspace build`);
  return build;
}

async function variablesOf(sql: Queryable, versionId: string): Promise<provisioner.VariableValue[]> {
  return sql<provisioner.VariableValue[]>`
    select name, value, sensitive from api.template_version_variable
    where template_version_id = ${versionId} order by name`;
}

async function parametersOf(
  sql: Queryable,
  workspaceId: string,
  buildNumber: number,
): Promise<provisioner.ParameterValue[]> {
  return sql<provisioner.ParameterValue[]>`
    select name, value from api.workspace_build_parameter where workspace_build_id = (
      select id from api.workspace_build where workspace_id = ${workspaceId} and build_number = ${buildNumber})
    order by name`;
}
