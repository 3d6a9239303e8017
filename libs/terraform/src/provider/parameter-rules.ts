import { goPattern } from "@berth/std";
import { type Finding, refuse } from "./diagnostic.ts";
import { UNKNOWN, type Values, blocksOf, booleanOf, textOf } from "./value.ts";

const TYPES = ["string", "number", "bool", "list(string)"];

/** Which controls fit which type, with and without options. */
const FORM_TYPES: Readonly<Record<string, { plain: readonly string[]; options: readonly string[] }>> = {
  string: { plain: ["input", "textarea"], options: ["radio", "dropdown"] },
  number: { plain: ["input", "slider"], options: ["radio", "dropdown"] },
  bool: { plain: ["checkbox", "switch"], options: ["radio", "dropdown"] },
  "list(string)": { plain: ["tag-select"], options: ["radio", "multi-select"] },
};

/** What is wrong with a parameter as the template declares it; what is not known yet is not judged. */
export function checkDeclaration(config: Values): Finding[] {
  const type = config["type"] === null ? "string" : textOf(config["type"]);
  if (config["type"] === UNKNOWN) return [];
  if (!TYPES.includes(type))
    return [
      refuse("Invalid parameter type", `type is "${type}"; expected one of ${TYPES.join(", ")}.`, "type"),
    ];
  return [
    ...checkFormType(config, type),
    ...checkEphemeral(config),
    ...checkOptions(config, type),
    ...checkDefault(config, type),
    ...checkValidation(config, type),
  ];
}

function checkFormType(config: Values, type: string): Finding[] {
  const form = textOf(config["form_type"]);
  const allowed = blocksOf(config["option"]).length > 0 ? FORM_TYPES[type]?.options : FORM_TYPES[type]?.plain;
  if (form === "" || form === "error" || allowed === undefined || allowed.includes(form)) return [];
  return [
    refuse(
      "Invalid form type",
      `form_type "${form}" does not fit type "${type}" here; use ${allowed.join(" or ")}.`,
      "form_type",
    ),
  ];
}

function checkEphemeral(config: Values): Finding[] {
  if (!booleanOf(config["ephemeral"])) return [];
  if (config["mutable"] !== UNKNOWN && !booleanOf(config["mutable"]))
    return [
      refuse(
        "Immutable ephemeral parameter",
        "An ephemeral parameter must be mutable: set mutable = true.",
        "mutable",
      ),
    ];
  if (config["default"] === null)
    return [
      refuse("Ephemeral parameter without a default", "An ephemeral parameter needs a default.", "default"),
    ];
  return [];
}

function checkOptions(config: Values, type: string): Finding[] {
  const options = blocksOf(config["option"]);
  const values = options.map(({ value }) => textOf(value));
  // an option of a list may be one list (radio) or one element of it (multi-select)
  const each = type === "list(string)" && textOf(config["form_type"]) !== "radio" ? "string" : type;
  return options.flatMap((option, index) => {
    if (option["value"] === UNKNOWN) return [];
    const value = textOf(option["value"]);
    const problem = problemOfType(each, value);
    if (problem !== undefined)
      return [refuse("Invalid option", `option "${textOf(option["name"])}": ${problem}.`, "option", index)];
    if (values.indexOf(value) < index)
      return [
        refuse(
          "Repeated option",
          `Two options have the value "${value}"; values are unique.`,
          "option",
          index,
        ),
      ];
    return [];
  });
}

function checkDefault(config: Values, type: string): Finding[] {
  if (config["default"] === null || config["default"] === UNKNOWN) return [];
  const fallback = textOf(config["default"]);
  const problem = problemOfType(type, fallback) ?? problemOfOptions(config, type, fallback);
  return problem === undefined ? [] : [refuse("Invalid default", `default: ${problem}.`, "default")];
}

function checkValidation(config: Values, type: string): Finding[] {
  const [rules] = blocksOf(config["validation"]);
  if (rules === undefined) return [];
  const at = ["validation", 0] as const;
  const numeric = ["min", "max", "monotonic"].filter((name) => rules[name] !== null);
  if (type !== "number" && numeric.length > 0)
    return [
      refuse(
        "Invalid validation",
        `${numeric.join(", ")} judge numbers; this parameter is a ${type}.`,
        ...at,
      ),
    ];
  if (rules["regex"] !== null && type !== "string")
    return [refuse("Invalid validation", `regex judges texts; this parameter is a ${type}.`, ...at, "regex")];
  if (rules["regex"] !== null && rules["error"] === null)
    return [
      refuse("Invalid validation", "A regex needs an error that says what is expected.", ...at, "error"),
    ];
  const monotonic = textOf(rules["monotonic"]);
  if (monotonic !== "" && monotonic !== "increasing" && monotonic !== "decreasing")
    return [
      refuse(
        "Invalid validation",
        `monotonic is "${monotonic}"; expected increasing or decreasing.`,
        ...at,
        "monotonic",
      ),
    ];
  if (typeof rules["min"] === "number" && typeof rules["max"] === "number" && rules["min"] > rules["max"])
    return [refuse("Invalid validation", `min ${rules["min"]} is greater than max ${rules["max"]}.`, ...at)];
  const broken = ["min", "max"].find(
    (name) => typeof rules[name] === "number" && !Number.isInteger(rules[name]),
  );
  if (broken !== undefined)
    return [
      refuse(
        "Invalid validation",
        `${broken} is ${textOf(rules[broken])}; expected a whole number.`,
        ...at,
        broken,
      ),
    ];
  const pattern = textOf(rules["regex"]);
  return goPattern(pattern) === undefined
    ? [refuse("Invalid validation", `"${pattern}" is no regular expression.`, ...at, "regex")]
    : [];
}

/** What is wrong with a value somebody gave; `previous` is the value of the build before. */
export function checkValue(declared: Values, value: string, previous?: string): Finding[] {
  const name = textOf(declared["name"]);
  const type = textOf(declared["type"]);
  const problem =
    problemOfType(type, value) ??
    problemOfOptions(declared, type, value) ??
    problemOfRules(declared, type, value, previous);
  return problem === undefined
    ? []
    : [refuse(`Invalid parameter value`, `The parameter "${name}": ${problem}.`)];
}

function problemOfType(type: string, value: string): string | undefined {
  if (type === "number" && !/^-?\d+(\.\d+)?$/.test(value)) return `"${value}" is no number`;
  if (type === "bool" && value !== "true" && value !== "false") return `"${value}" is neither true nor false`;
  if (type === "list(string)" && listOf(value) === undefined) return `"${value}" is no JSON list of texts`;
  return undefined;
}

function problemOfOptions(declared: Values, type: string, value: string): string | undefined {
  const options = blocksOf(declared["option"]);
  if (options.length === 0 || options.some((option) => option["value"] === UNKNOWN)) return undefined;
  const allowed = options.map((option) => textOf(option["value"]));
  const chosen = type === "list(string)" && !allowed.includes(value) ? (listOf(value) ?? [value]) : [value];
  const foreign = chosen.find((each) => !allowed.includes(each));
  return foreign === undefined ? undefined : `"${foreign}" is none of its options (${allowed.join(", ")})`;
}

function problemOfRules(
  declared: Values,
  type: string,
  value: string,
  previous?: string,
): string | undefined {
  const [rules] = blocksOf(declared["validation"]);
  if (rules === undefined) return undefined;
  const say = (otherwise: string) =>
    textOf(rules["error"])
      .replaceAll("{min}", textOf(rules["min"]))
      .replaceAll("{max}", textOf(rules["max"]))
      .replaceAll("{value}", value) || otherwise;
  if (type === "string") {
    const fits = goPattern(textOf(rules["regex"]))?.test(value) ?? true;
    return fits ? undefined : say(`"${value}" does not match ${textOf(rules["regex"])}`);
  }
  if (type !== "number") return undefined;
  const given = Number(value);
  if (typeof rules["min"] === "number" && given < rules["min"])
    return say(`${value} is less than ${rules["min"]}`);
  if (typeof rules["max"] === "number" && given > rules["max"])
    return say(`${value} is more than ${rules["max"]}`);
  if (previous === undefined || previous === "") return undefined;
  if (rules["monotonic"] === "increasing" && given < Number(previous))
    return `${value} is less than ${previous}, and it may only grow`;
  if (rules["monotonic"] === "decreasing" && given > Number(previous))
    return `${value} is more than ${previous}, and it may only shrink`;
  return undefined;
}

function listOf(value: string): readonly string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) && parsed.every((each) => typeof each === "string") ? parsed : undefined;
  } catch {
    return undefined; // no JSON is no list
  }
}
