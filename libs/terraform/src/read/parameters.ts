import type { provisioner } from "@berth/contract";
import {
  type Value,
  type Values,
  blocksOf,
  booleanOf,
  isValues,
  numberOf,
  textOf,
} from "../provider/value.ts";
import { type Instance, TemplateFaultError, instancesOf } from "./instances.ts";

/**
 * The parameters of a plan, by their order, then in the order of the plan. A parameter that the plan could read stands in its
 * prior state; one that hangs on something unknown is only planned.
 * @throws TemplateFaultError when two have one name.
 */
export function readParameters(plan: Value): provisioner.RichParameter[] {
  if (!isValues(plan)) return [];
  const prior = isValues(plan["prior_state"]) ? instancesOf(plan["prior_state"]["values"]) : [];
  const planned = instancesOf(plan["planned_values"]).filter(
    ({ address }) => !prior.some((each) => each.address === address),
  );
  const found = [...prior, ...planned].filter(
    ({ mode, type }) => mode === "data" && type === "coder_parameter",
  );
  refuseRepeats(found);
  return found.map(({ values }) => toParameter(values)).sort((a, b) => Number(a.order - b.order));
}

function refuseRepeats(parameters: readonly Instance[]): void {
  const names = parameters.map(({ values }) => textOf(values["name"]));
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  if (repeated !== undefined)
    throw new TemplateFaultError(`two parameters are called "${repeated}": names are unique`);
}

function toParameter(values: Values): provisioner.RichParameter {
  const [rules] = blocksOf(values["validation"]);
  return {
    name: textOf(values["name"]),
    displayName: textOf(values["display_name"]),
    description: textOf(values["description"]),
    type: textOf(values["type"]) || "string",
    formType: textOf(values["form_type"]),
    mutable: booleanOf(values["mutable"]),
    defaultValue: textOf(values["default"]),
    icon: textOf(values["icon"]),
    options: blocksOf(values["option"]).map((option) => ({
      name: textOf(option["name"]),
      description: textOf(option["description"]),
      value: textOf(option["value"]),
      icon: textOf(option["icon"]),
    })),
    validationRegex: textOf(rules?.["regex"]),
    validationError: textOf(rules?.["error"]),
    validationMin: limitOf(rules?.["min"]),
    validationMax: limitOf(rules?.["max"]),
    validationMonotonic: textOf(rules?.["monotonic"]),
    required: (values["default"] ?? null) === null,
    ephemeral: booleanOf(values["ephemeral"]),
    order: BigInt(Math.trunc(numberOf(values["order"]))),
  };
}

function limitOf(value: Value | undefined): bigint | undefined {
  return typeof value === "number" ? BigInt(Math.trunc(value)) : undefined;
}
