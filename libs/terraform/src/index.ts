/** Runs Terraform (or OpenTofu), reads what it says, and serves it the provider `coder/coder`. */
export type { BuildContext, NewAgent, Owner, Transition } from "./provider/build-context.ts";
export type { Value } from "./provider/value.ts";
export { serveProvider, type ServedProvider } from "./provider/serve-provider.ts";
export { findTerraform, isSupported, NoTerraformError, type Executable } from "./run/executable.ts";
export { terraformEnvironment, type Environment } from "./run/environment.ts";
export {
  Terraform,
  type Outcome,
  type RunningTerraform,
  type TerraformEars,
  type TerraformOptions,
} from "./run/terraform.ts";
export { type Exit, killGroup, type TerraformProcess } from "./run/terraform-process.ts";
export { oneLine, type Diagnostic } from "./run/diagnostics.ts";
export { readStreamLine, type LogLine, type StreamLine } from "./run/log-line.ts";
export { parseState, readState, StateWatch, type State } from "./run/state.ts";
export { Tail } from "./run/tail.ts";
export { readGraph, nearestDependent, type Dependents } from "./read/graph.ts";
export { instancesOf, TemplateFaultError, valuesIn, type Instance } from "./read/instances.ts";
export {
  addressesInState,
  dailyCostOf,
  plannedAddresses,
  plannedAgents,
  plannedCreations,
  readResources,
  type PlannedAgent,
} from "./read/resources.ts";
export { readParameters } from "./read/parameters.ts";
export { readTemplate, writeVariableFile, type Template } from "./read/template.ts";
