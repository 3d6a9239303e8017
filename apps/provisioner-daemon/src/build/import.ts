import type { provisioner } from "@berth/contract";
import {
  type Template,
  TemplateFaultError,
  type Transition,
  instancesOf,
  readParameters,
  readResources,
  valuesIn,
} from "@berth/terraform";
import { contextOfImport } from "./build-context.ts";
import { type JobResult, failed } from "./job-context.ts";
import type { Workshop } from "./workshop.ts";

/** What an import works with. */
export interface ImportWork {
  readonly jobId: string;
  readonly request: provisioner.TemplateImport;
  readonly workshop: Workshop;
  readonly accessUrl: string;
  enter(stage: string): void;
}

/** Reads a template: its variables, its parameters, and what a start and a stop would leave. */
export async function importTemplate(work: ImportWork): Promise<JobResult> {
  const { workshop, request } = work;
  work.enter("Setting up");
  const template = await workshop.unpack();
  work.enter("Parsing template parameters");
  if (!template.hasTerraform)
    throw new TemplateFaultError("the template has no Terraform files (*.tf) in its top folder");
  const missing = missingVariables(template, request.variables);
  if (missing.length > 0)
    return failed(
      `the template's variables ${missing.join(", ")} have no value: give each with --variable <name>=<value>`,
      { errorCode: "REQUIRED_TEMPLATE_VARIABLES" },
    );
  const variableFile = await workshop.writeVariables(template, request.variables);
  work.enter("Detecting persistent resources");
  const start = await planFor(work, "start", variableFile);
  if (start.kind === "failed") return failed(start.reason);
  work.enter("Detecting ephemeral resources");
  const stop = await planFor(work, "stop", variableFile);
  if (stop.kind === "failed") return failed(stop.reason);
  const value: provisioner.TemplateImportResult = {
    startResources: start.resources,
    stopResources: stop.resources,
    parameters: start.parameters,
    variables: [...template.variables],
    readme: template.readme,
    runsOnMachine: template.runsOnMachine,
  };
  return { kind: "complete", value: { result: { $case: "templateImport", value } } };
}

function missingVariables(template: Template, values: readonly provisioner.VariableValue[]): string[] {
  const given = new Set(values.map(({ name }) => name));
  return template.variables
    .filter(({ name, required }) => required && !given.has(name))
    .map(({ name }) => name);
}

type Planned =
  | { readonly kind: "failed"; readonly reason: string }
  | {
      readonly kind: "planned";
      readonly resources: provisioner.Resource[];
      readonly parameters: provisioner.RichParameter[];
    };

async function planFor(work: ImportWork, transition: Transition, variableFile: string): Promise<Planned> {
  const { workshop, request, jobId, accessUrl } = work;
  const told = contextOfImport(request, jobId, transition, accessUrl);
  await using opened = await workshop.open(told, variableFile, false);
  const { terraform } = opened;
  const isFirst = transition === "start";
  const prepared = isFirst ? await terraform.init() : ({ kind: "done" } as const);
  if (prepared.kind === "failed") return prepared;
  const planned = await terraform.plan(transition);
  if (planned.kind === "failed") return planned;
  const [plan, dependents] = await Promise.all([terraform.showPlan(transition), workshop.graph(terraform)]);
  return {
    kind: "planned",
    resources: readResources(instancesOf(valuesIn(plan, "planned_values")), dependents),
    parameters: isFirst ? readParameters(plan) : [],
  };
}
