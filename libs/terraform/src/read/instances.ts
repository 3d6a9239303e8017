import { CodedError } from "@berth/std";
import { type Value, type Values, blocksOf, isValues, textOf } from "../provider/value.ts";
import { labelOfAddress } from "./graph.ts";

/** A resource or data source of a plan or a state. */
export interface Instance {
  readonly address: string;
  /** The address without instance keys. */
  readonly label: string;
  readonly mode: "managed" | "data";
  readonly type: string;
  readonly name: string;
  readonly index: Value;
  readonly values: Values;
}

/** A template asks for something that cannot be. */
export class TemplateFaultError extends CodedError {
  override readonly name = "TemplateFaultError";
  constructor(message: string) {
    super("invalid_argument", message);
  }
}

/** Everything under `values`, `planned_values` or `prior_state.values` of Terraform's JSON, modules included. */
export function instancesOf(values: Value | undefined): readonly Instance[] {
  return isValues(values) && isValues(values["root_module"]) ? instancesOfModule(values["root_module"]) : [];
}

function instancesOfModule(module: Values): readonly Instance[] {
  const own = blocksOf(module["resources"]).map((each): Instance => ({
    address: textOf(each["address"]),
    label: labelOfAddress(textOf(each["address"])),
    mode: each["mode"] === "data" ? "data" : "managed",
    type: textOf(each["type"]),
    name: textOf(each["name"]),
    index: each["index"] ?? null,
    values: isValues(each["values"]) ? each["values"] : {},
  }));
  return [...own, ...blocksOf(module["child_modules"]).flatMap(instancesOfModule)];
}

/** One branch of what Terraform shows: `planned_values` of a plan, `values` of a state. */
export function valuesIn(shown: Value, branch: "planned_values" | "values"): Value {
  return isValues(shown) ? (shown[branch] ?? null) : null;
}
