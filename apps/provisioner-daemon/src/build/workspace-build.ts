import { provisioner } from "@berth/contract";
import { messageOf } from "@berth/std";
import {
  type Outcome,
  type PlannedAgent,
  type State,
  StateWatch,
  type Terraform,
  type Value,
  addressesInState,
  dailyCostOf,
  instancesOf,
  plannedAddresses,
  plannedAgents,
  plannedCreations,
  readResources,
  valuesIn,
} from "@berth/terraform";
import { contextOfBuild } from "./build-context.ts";
import { type JobResult, failed } from "./job-context.ts";
import type { JobLog } from "./job-log.ts";
import type { Workshop } from "./workshop.ts";

type Message = NonNullable<provisioner.RunJobRequest["message"]>;
type Answer = NonNullable<provisioner.RunJobResponse["message"]>;

/** What of a plan matters once it is applied. */
export interface AppliedPlan {
  readonly creates: readonly string[];
  readonly agents: readonly PlannedAgent[];
}

/** What a workspace build works with. */
export interface BuildWork {
  readonly build: provisioner.WorkspaceBuild;
  readonly workshop: Workshop;
  readonly log: JobLog;
  enter(stage: string): void;
  /** Settles when it is committed, or never will be. */
  send(message: Message): Promise<void>;
  commit(message: Message): Promise<Answer | undefined>;
  /** The plan that is about to be applied. */
  noteApply(plan: AppliedPlan): void;
  /** Whether Terraform has begun to make it. */
  hasStarted(address: string): boolean;
}

const STAGES = {
  start: "Starting workspace",
  stop: "Stopping workspace",
  delete: "Destroying workspace",
} as const;

/** Starts, stops or deletes a workspace. */
export async function buildWorkspace(work: BuildWork): Promise<JobResult> {
  const { build, workshop, log } = work;
  const told = contextOfBuild(build);
  work.enter("Setting up");
  const template = await workshop.unpack();
  const state = build.state === undefined ? undefined : await workshop.fetch(build.state);
  if (told.transition === "delete" && state === undefined) {
    log.say("info", "The workspace has no Terraform state: there is nothing to destroy.");
    return completed([], undefined);
  }
  const variableFile = await workshop.writeVariables(template, build.variables);
  await using opened = await workshop.open(told, variableFile, build.debugLog);
  const { terraform } = opened;
  if (state !== undefined) await terraform.writeState(state);
  const prepared = await terraform.init();
  if (prepared.kind === "failed") return failed(prepared.reason);

  work.enter("Planning infrastructure");
  const planned = await terraform.plan("build", { destroy: told.transition === "delete" });
  if (planned.kind === "failed") return failed(planned.reason);
  const [plan, dependents] = await Promise.all([terraform.showPlan("build"), workshop.graph(terraform)]);
  const resources = readResources(instancesOf(valuesIn(plan, "planned_values")), dependents);
  const refused = told.transition === "delete" ? undefined : await commitQuota(work, dailyCostOf(resources));
  if (refused !== undefined) return refused;
  if (told.transition === "start") reportKeptAgents(work, resources);

  work.enter(STAGES[told.transition]);
  return await applyPlan(work, terraform, plan); // the provider is served until then
}

/** Applies the plan once that is allowed. From then on the world has changed: whatever fails, state and what was in flight are told. */
async function applyPlan(work: BuildWork, terraform: Terraform, plan: Value): Promise<JobResult> {
  const creates = plannedCreations(plan);
  work.noteApply({ creates, agents: plannedAgents(plan) });
  await work.commit({ $case: "beginApply", value: { planned: plannedAddresses(plan) } });
  const applied = await applyWatched(work, terraform).catch((error: unknown): Outcome => ({
    kind: "failed",
    reason: messageOf(error),
    diagnostics: [],
  }));
  const after = await terraform.readState();
  const state = after && snapshotOf(after, true);
  const lost = state === undefined && creates.length > 0;
  const fail = (reason: string) =>
    failed(lost ? `${reason}; Terraform left no state that can be read at ${terraform.stateFile}` : reason, {
      state,
      inFlight: inFlight(creates, after).filter((address) => work.hasStarted(address)),
    });
  if (applied.kind === "failed") return fail(applied.reason);
  if (lost) return fail("what was applied is not known");
  try {
    return completed(await readBuilt(work, terraform), state);
  } catch (error) {
    return fail(messageOf(error));
  }
}

/** What Terraform set out to make and did not get into its state. */
export function inFlight(creates: readonly string[], state: State | undefined): string[] {
  const made = state === undefined ? new Set<string>() : addressesInState(state.bytes);
  return creates.filter((address) => !made.has(address));
}

/** A state as it goes over the wire. */
export function snapshotOf({ bytes, lineage, serial }: State, final: boolean): provisioner.StateSnapshot {
  return { state: bytes, lineage, serial: BigInt(serial), final };
}

async function commitQuota(work: BuildWork, dailyCost: number): Promise<JobResult | undefined> {
  work.enter("Commit quota");
  const answer = await work.commit({ $case: "commitQuota", value: { dailyCost } });
  if (answer?.$case !== "quota" || answer.value.ok) return undefined;
  const { budget, creditsConsumed } = answer.value;
  work.log.say("error", "This build would exceed your quota. Failing.");
  work.log.say("info", `Cost of the build ${dailyCost}, in use ${creditsConsumed}, budget ${budget}.`);
  return failed("insufficient quota", { errorCode: "INSUFFICIENT_QUOTA" });
}

/** Agents that Terraform keeps: a stop had revoked their token, and this start may need it before it has ended. */
function reportKeptAgents(work: BuildWork, resources: readonly provisioner.Resource[]): void {
  for (const agent of resources.flatMap(({ agents }) => agents)) {
    const { id: agentId, token, name, operatingSystem, architecture } = agent;
    if (agentId === "" || token === "") continue; // yet to be made
    void work.send({ $case: "agentToken", value: { agentId, token, name, operatingSystem, architecture } });
  }
}

async function applyWatched(work: BuildWork, terraform: Terraform): Promise<Outcome> {
  await using _watch = new StateWatch(terraform.stateFile, await terraform.readState(), (state) =>
    work.send({ $case: "state", value: snapshotOf(state, false) }),
  );
  return await terraform.apply("build");
}

async function readBuilt(work: BuildWork, terraform: Terraform): Promise<provisioner.Resource[]> {
  const shown = await terraform.showState();
  return readResources(instancesOf(valuesIn(shown, "values")), await work.workshop.graph(terraform));
}

function completed(
  resources: provisioner.Resource[],
  state: provisioner.StateSnapshot | undefined,
): JobResult {
  const value = { resources, state };
  return { kind: "complete", value: { result: { $case: "workspaceBuild", value } } };
}
