import type { provisioner } from "@berth/contract";
import { type Value, type Values, blocksOf, isValues, numberOf, textOf } from "../provider/value.ts";
import { toAgent } from "./agents.ts";
import { type Dependents, nearestDependent } from "./graph.ts";
import { type Instance, TemplateFaultError } from "./instances.ts";

/**
 * What a workspace is made of: every managed resource that is not the provider's own, each with the agents whose nearest
 * reader it is. An agent that no resource reads is left out: nothing would run it.
 * @throws TemplateFaultError for a name that an agent cannot have.
 */
export function readResources(
  instances: readonly Instance[],
  dependents: Dependents,
): provisioner.Resource[] {
  const managed = instances.filter(({ mode }) => mode === "managed");
  const shown = managed.filter(({ type }) => !type.startsWith("coder_"));
  const labels = new Set(shown.map(({ label }) => label));
  const resources = new Map(shown.map((instance) => [instance.address, toResource(instance)] as const));
  for (const agent of managed.filter(({ type }) => type === "coder_agent")) {
    const label = nearestDependent(dependents, agent.label, (each) => labels.has(each));
    const readers = shown.filter((each) => each.label === label);
    const reader = readers.find((each) => sameIndex(each.index, agent.index)) ?? readers[0];
    if (reader !== undefined) resources.get(reader.address)?.agents.push(toAgent(agent));
  }
  const made = [...resources.values()];
  checkNames(made.flatMap(({ agents }) => agents.map(({ name }) => name)));
  return made;
}

function sameIndex(a: Value, b: Value): boolean {
  return a !== null && a === b;
}

function toResource(instance: Instance): provisioner.Resource {
  const { address, type, name, values } = instance;
  return {
    address,
    type,
    name,
    hide: false,
    icon: "",
    dailyCost: 0,
    metadata: [],
    agents: [],
    instanceType:
      textOf(values["instance_type"]) || textOf(values["machine_type"]) || textOf(values["vm_size"]),
  };
}

function checkNames(names: readonly string[]): void {
  for (const [index, name] of names.entries()) {
    if (!/^[a-z0-9](-?[a-z0-9])*$/i.test(name))
      throw new TemplateFaultError(
        `coder_agent "${name}" cannot be an agent's name: use letters, digits and single hyphens (it becomes a part of host names)`,
      );
    if (names.findIndex((each) => each.toLowerCase() === name.toLowerCase()) < index)
      throw new TemplateFaultError(
        `two agents are called "${name}": names of a workspace's agents are unique without case`,
      );
  }
}

/** What the plan would change: addresses, without what stays as it is or is only read. */
export function plannedAddresses(plan: Value): string[] {
  if (!isValues(plan)) return [];
  return blocksOf(plan["resource_changes"])
    .filter(({ mode, change }) => mode === "managed" && isValues(change) && changes(change["actions"]))
    .map(({ address }) => textOf(address));
}

/** What the plan would make, replacements included. */
export function plannedCreations(plan: Value): string[] {
  return creations(plan).map(({ address }) => textOf(address));
}

/** An agent that a plan would make. */
export interface PlannedAgent {
  readonly name: string;
  readonly operatingSystem: string;
  readonly architecture: string;
}

/** The agents that the plan would make; what is not known yet is "". */
export function plannedAgents(plan: Value): PlannedAgent[] {
  return creations(plan)
    .filter(({ type }) => type === "coder_agent")
    .map(({ name, change }) => {
      const after = isValues(change) && isValues(change["after"]) ? change["after"] : {};
      return {
        name: textOf(name),
        operatingSystem: textOf(after["os"]),
        architecture: textOf(after["arch"]),
      };
    });
}

function creations(plan: Value): readonly Values[] {
  if (!isValues(plan)) return [];
  return blocksOf(plan["resource_changes"]).filter(
    ({ mode, change }) =>
      mode === "managed" && isValues(change) && [change["actions"] ?? null].flat().includes("create"),
  );
}

function changes(actions: Value | undefined): boolean {
  return Array.isArray(actions) && actions.some((action: Value) => action !== "no-op" && action !== "read");
}

/** Addresses of the managed resources in a state file. */
export function addressesInState(state: Buffer): Set<string> {
  const parsed: unknown = JSON.parse(state.toString("utf8"));
  const resources =
    isRecord(parsed) && Array.isArray(parsed["resources"]) ? parsed["resources"].filter(isRecord) : [];
  return new Set(
    resources
      .filter(({ mode }) => mode === "managed")
      .flatMap(({ module, type, name, instances }) => {
        const base = [module, type, name].filter((part) => typeof part === "string").join(".");
        const each = Array.isArray(instances) ? instances.filter(isRecord) : [];
        return each.map(({ index_key: key }) =>
          key === undefined ? base : `${base}[${JSON.stringify(key)}]`,
        );
      }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The costs per day that the resources add up to. */
export function dailyCostOf(resources: readonly provisioner.Resource[]): number {
  return resources.reduce((sum, { dailyCost }) => sum + numberOf(dailyCost), 0);
}
