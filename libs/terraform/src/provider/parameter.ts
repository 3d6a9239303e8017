import { type Finding, refuse } from "./diagnostic.ts";
import type { BuildContext } from "./build-context.ts";
import { checkDeclaration, checkValue } from "./parameter-rules.ts";
import type { DataSource } from "./resource.ts";
import { type Block, type NestedBlock, computed, optional, required, withFallbacks } from "./schema.ts";
import { stableId } from "./stable-id.ts";
import { type Values, blocksOf, numberOf, textOf } from "./value.ts";

const option: NestedBlock = {
  nesting: "list",
  maxItems: 64,
  attributes: {
    name: required("string", "What people see"),
    value: required("string", "What the template gets"),
    description: optional("string", "Explains the option"),
    icon: optional("string", "Path or URL of an icon"),
  },
  blocks: {},
};

const validation: NestedBlock = {
  nesting: "list",
  maxItems: 1,
  attributes: {
    min: optional("number", "Smallest number"),
    max: optional("number", "Largest number"),
    min_disabled: computed("bool", "Whether min was not set"),
    max_disabled: computed("bool", "Whether max was not set"),
    monotonic: optional("string", "increasing or decreasing, over the builds of a workspace"),
    regex: optional("string", "What a text must match"),
    error: optional("string", "Said when a value does not fit; {min}, {max} and {value} are filled in"),
  },
  blocks: {},
};

const block: Block = {
  attributes: {
    id: computed("string", "Id of the parameter"),
    value: computed("string", "Its value in this build"),
    optional: computed("bool", "Whether it has a default"),
    name: required("string", "Name of the parameter"),
    display_name: optional("string", "What people see"),
    description: optional("string", "Explains the parameter, in Markdown"),
    type: optional("string", "string, number, bool or list(string)", "string"),
    form_type: optional("string", "The control that asks for it", ""),
    styling: optional("string", "How the control looks, in JSON"),
    default: optional("string", "Value when none is given"),
    icon: optional("string", "Path or URL of an icon"),
    mutable: optional("bool", "Whether it may change after the workspace was made", false),
    ephemeral: optional("bool", "Whether it holds for one build only", false),
    order: optional("number", "Place among the parameters"),
  },
  blocks: { option, validation },
};
// fallbacks of "" and false are the provider's word, so that templates may compare them
block satisfies Block;

/** `data.coder_parameter`: what whoever makes a workspace is asked for. */
export const parameter: DataSource = {
  block,
  validate: (config) => checkDeclaration(config),
  read(config, build) {
    const declared = withFallbacks(block, config);
    const name = textOf(declared["name"]);
    const chosen = chooseValue(declared, build);
    const findings = chosen.missing
      ? [missing(name)]
      : build.purpose === "build" && build.transition === "start"
        ? checkValue(declared, chosen.value, build.previousParameters.get(name))
        : [];
    return {
      findings,
      value: {
        ...declared,
        id: stableId("parameter", name),
        value: chosen.value,
        optional: declared["default"] !== null,
        form_type: textOf(declared["form_type"]) || formTypeOf(declared),
        validation: blocksOf(declared["validation"]).map((each) => ({
          ...each,
          min_disabled: each["min"] === null,
          max_disabled: each["max"] === null,
        })),
      },
    };
  },
};

function missing(name: string): Finding {
  return refuse(
    "Missing parameter",
    `The parameter "${name}" has no default and was given no value: give one with --parameter ${name}=<value>.`,
  );
}

/** The build's own value, the default, or, where nobody was asked, a value of the right kind. */
function chooseValue(declared: Values, build: BuildContext): { value: string; missing: boolean } {
  const given = build.parameters.get(textOf(declared["name"]));
  if (given !== undefined) return { value: given, missing: false };
  if (declared["default"] !== null) return { value: textOf(declared["default"]), missing: false };
  // stopping or deleting is never refused for a value that nobody was asked for
  return {
    value: placeholderOf(declared),
    missing: build.purpose === "build" && build.transition === "start",
  };
}

function placeholderOf(declared: Values): string {
  const [first] = blocksOf(declared["option"]);
  if (first !== undefined) return textOf(first["value"]);
  const [limits] = blocksOf(declared["validation"]);
  const kinds: Readonly<Record<string, string>> = {
    number: String(numberOf(limits?.["min"], numberOf(limits?.["max"], 0))),
    bool: "false",
    "list(string)": "[]",
  };
  return kinds[textOf(declared["type"])] ?? "";
}

function formTypeOf(declared: Values): string {
  const type = textOf(declared["type"]);
  if (blocksOf(declared["option"]).length > 0) return type === "list(string)" ? "multi-select" : "radio";
  const kinds: Readonly<Record<string, string>> = { bool: "checkbox", "list(string)": "tag-select" };
  return kinds[type] ?? "input";
}
