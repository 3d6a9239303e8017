import { createHash } from "node:crypto";
import { provisioner } from "@berth/contract";
import type { BuildContext, Owner, Transition } from "@berth/terraform";

const TRANSITIONS: ReadonlyMap<provisioner.Transition, Transition> = new Map([
  [provisioner.Transition.START, "start"],
  [provisioner.Transition.STOP, "stop"],
  [provisioner.Transition.DELETE, "delete"],
]);

/** What a job itself says to the provider. */
export interface JobContext extends Omit<BuildContext, "initScript" | "onAgent"> {
  /** Of a workspace build; "" for an import. */
  readonly buildId: string;
}

/** A workspace build as the provider shows it to its template. @throws when the build's transition is not known. */
export function contextOfBuild(build: provisioner.WorkspaceBuild): JobContext {
  const transition = TRANSITIONS.get(build.transition);
  if (transition === undefined) throw new Error(`reading a build: unknown transition ${build.transition}`);
  return {
    transition,
    purpose: "build",
    buildId: build.buildId,
    workspace: { id: build.workspaceId, name: build.workspaceName },
    template: { id: build.templateId, name: build.templateName, version: build.templateVersionName },
    owner: toOwner(build.owner),
    accessUrl: build.accessUrl,
    parameters: new Map(build.parameters.map(({ name, value }) => [name, value])),
    previousParameters: new Map(build.previousParameters.map(({ name, value }) => [name, value])),
  };
}

/** An import as the provider shows it: a workspace that does not exist. */
export function contextOfImport(
  job: provisioner.TemplateImport,
  jobId: string,
  transition: Transition,
  accessUrl: string,
): JobContext {
  return {
    transition,
    purpose: "import",
    buildId: "",
    workspace: { id: jobId, name: "default" },
    template: { id: jobId, name: job.templateName, version: job.templateVersionName },
    owner: toOwner(job.owner),
    accessUrl,
    parameters: new Map(),
    previousParameters: new Map(),
  };
}

function toOwner(owner: provisioner.Owner | undefined): Owner {
  return {
    id: owner?.id ?? "",
    name: owner?.username ?? "",
    fullName: owner?.fullName ?? "",
    email: owner?.email ?? "",
    loginType: owner?.loginType ?? "",
    groups: owner?.groups ?? [],
    roles: owner?.roles ?? [],
    sshPublicKey: owner?.sshPublicKey ?? "",
    sshPrivateKey: owner?.sshPrivateKey ?? "",
    sessionToken: owner?.sessionToken ?? "",
    oidcAccessToken: owner?.oidcAccessToken ?? "",
  };
}

/** The names by which templates' own scripts know a build; none of them is a secret. */
export function variablesOf(context: JobContext): Record<string, string> {
  const { workspace, template, owner } = context;
  const parameters = [...context.parameters].map(([name, value]) => {
    const hash = createHash("sha256").update(name).digest("hex");
    return [`CODER_PARAMETER_${hash}`, value] as const;
  });
  return {
    CODER_AGENT_URL: context.accessUrl,
    CODER_WORKSPACE_TRANSITION: context.transition === "delete" ? "destroy" : context.transition,
    CODER_WORKSPACE_BUILD_ID: context.buildId,
    CODER_WORKSPACE_ID: workspace.id,
    CODER_WORKSPACE_NAME: workspace.name,
    CODER_WORKSPACE_OWNER: owner.name,
    CODER_WORKSPACE_OWNER_ID: owner.id,
    CODER_WORKSPACE_OWNER_NAME: owner.fullName,
    CODER_WORKSPACE_OWNER_EMAIL: owner.email,
    CODER_WORKSPACE_OWNER_GROUPS: JSON.stringify(owner.groups),
    CODER_WORKSPACE_OWNER_LOGIN_TYPE: owner.loginType,
    CODER_WORKSPACE_OWNER_RBAC_ROLES: JSON.stringify(
      owner.roles.map(({ name, organizationId }) => ({ name, org_id: organizationId })),
    ),
    CODER_WORKSPACE_TEMPLATE_ID: template.id,
    CODER_WORKSPACE_TEMPLATE_NAME: template.name,
    CODER_WORKSPACE_TEMPLATE_VERSION: template.version,
    ...Object.fromEntries(parameters),
  };
}
